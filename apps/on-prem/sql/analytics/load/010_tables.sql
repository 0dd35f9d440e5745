-- The star. Two loads at once take turns.
select pg_advisory_xact_lock(hashtextextended('sluice analytics load', 0));
create table if not exists {{schema}}.dim_time (
  time_key bigint primary key,  -- yyyymmddhh, UTC
  hour_start timestamptz not null unique,
  date date not null, hour integer not null, day_of_week integer not null, iso_week integer not null,
  month integer not null, quarter integer not null, year integer not null, is_weekend boolean not null
);
create table if not exists {{schema}}.dim_device (
  device_key bigint generated always as identity primary key,
  type text not null, os text not null, browser text not null, app_version text not null,
  unique (type, os, browser, app_version)
);
create table if not exists {{schema}}.dim_user (
  user_key bigint generated always as identity primary key,
  user_id text not null,
  plan text not null,
  valid_from timestamptz not null, valid_to timestamptz not null,  -- [valid_from, valid_to)
  is_current boolean not null,
  is_inferred boolean not null,  -- before anything was known about the plan
  unique (user_id, valid_from), check (valid_from < valid_to), check (is_current = (valid_to = 'infinity'))
);
create table if not exists {{schema}}.fact_events (
  idempotency_key text primary key,
  event_id text not null, event_type text not null, user_id text not null,
  user_key bigint not null references {{schema}}.dim_user,
  device_key bigint not null references {{schema}}.dim_device,
  time_key bigint not null references {{schema}}.dim_time,
  client_session_id text, occurred_at timestamptz not null, produced_at timestamptz not null,
  amount numeric(12, 2), currency text, failure_reason text, url text,
  loaded_at timestamptz not null default now()
);
create index if not exists fact_events_user on {{schema}}.fact_events (user_id, occurred_at);
create index if not exists fact_events_user_key on {{schema}}.fact_events (user_key);
create index if not exists fact_events_time on {{schema}}.fact_events (time_key);
