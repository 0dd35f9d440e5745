-- At most 1 % of all records are dead letters.
select 'dead_letter_percent' as name, round(100.0 * dead / greatest(consumed, 1), 3) as measured, 1 as threshold,
  dead <= 0.01 * consumed as ok, dead || ' of ' || consumed || ' records' as detail
from (select coalesce(sum(dead_lettered), 0) as dead, coalesce(sum(consumed), 0) as consumed from {{schema}}.ingest_progress) as sink
