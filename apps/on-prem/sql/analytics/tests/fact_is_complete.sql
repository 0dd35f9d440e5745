-- Every event is a fact once a load that began five minutes after it has run, and no fact is without event.
select idempotency_key from {{schema}}.fact_events full join {{schema}}.events using (idempotency_key)
where events.event_id is null or (fact_events.event_id is null
  and events._ingested_at < (select max(loaded_at) from {{schema}}.fact_events) - interval '5 minutes')
