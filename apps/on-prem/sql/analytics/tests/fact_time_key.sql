-- The time key of a fact is its hour.
select idempotency_key from {{schema}}.fact_events join {{schema}}.dim_time using (time_key)
where occurred_at < hour_start or occurred_at >= hour_start + interval '1 hour'
