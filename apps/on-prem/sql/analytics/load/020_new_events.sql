-- What has arrived and is no fact yet. Not by a high-water mark: replayed dead letters come later with old offsets.
create temporary table new_events on commit drop as
select events.* from {{schema}}.events
where not exists (select from {{schema}}.fact_events where fact_events.idempotency_key = events.idempotency_key);
analyze new_events;
