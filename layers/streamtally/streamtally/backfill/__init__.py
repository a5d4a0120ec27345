"""Old logs by a state machine of Step Functions: the steps that its functions run."""
