create stream Out_Stream (myHost varchar(20), "myHost" varchar(20), "with ""quotes""" int);
create pump My_Pump as insert into OUT_stream select stream "host", "agent", "response" from source_sql_stream_001;
