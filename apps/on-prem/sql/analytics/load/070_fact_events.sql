-- New facts, with the keys that held when they happened.
insert into {{schema}}.fact_events (idempotency_key, event_id, event_type, user_id, user_key, device_key, time_key, client_session_id,
  occurred_at, produced_at, amount, currency, failure_reason, url)
select idempotency_key, event_id, event_type, new_events.user_id, version.user_key, device.device_key,
  to_char(occurred_at at time zone 'UTC', 'YYYYMMDDHH24')::bigint, session_id, occurred_at, produced_at, amount, currency, failure_reason, url
from new_events
join {{schema}}.dim_user as version
  on version.user_id = new_events.user_id and occurred_at >= version.valid_from and occurred_at < version.valid_to
join {{schema}}.dim_device as device
  on (device.type, device.os, device.browser, device.app_version)
    = (device_type, coalesce(device_os, 'unknown'), coalesce(device_browser, 'unknown'), coalesce(device_app_version, 'unknown'))
on conflict (idempotency_key) do nothing;
