-- A state is not newer than the record that brought it, a day of clock skew aside.
select customer_id from {{schema}}.customers where updated_at > _ingested_at + interval '1 day'
