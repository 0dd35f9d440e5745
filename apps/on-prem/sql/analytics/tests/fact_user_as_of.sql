-- The user key of a fact is that of its user at its time.
select idempotency_key from {{schema}}.fact_events as fact join {{schema}}.dim_user as version using (user_key)
where fact.user_id <> version.user_id or fact.occurred_at < version.valid_from or fact.occurred_at >= version.valid_to
