-- The newest event is less than 24 hours old.
select 'freshness_hours' as name, age as measured, 24 as threshold, coalesce(age < 24, false) as ok, 'age of the newest event, hours' as detail
from (select round((extract(epoch from {{as_of}}::timestamptz - max(occurred_at)) / 3600)::numeric, 2) as age from {{schema}}.fact_events) as newest
