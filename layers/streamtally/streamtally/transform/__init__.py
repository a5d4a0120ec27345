"""A batch's way: records → lines → rows → outputs → response. Start reading at ``transform.py``."""
