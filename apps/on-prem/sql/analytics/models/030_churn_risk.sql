-- Users who did nothing for seven days or more, as of the time of the job. What happens without a
-- session (renewals, their failures) is no activity of the user.
create table if not exists {{schema}}.churn_risk (
  user_id text primary key, plan text not null, last_seen_at timestamptz not null, inactive_days integer not null,
  risk text not null check (risk in ('watch', 'high', 'lost'))
);
delete from {{schema}}.churn_risk;
insert into {{schema}}.churn_risk
select user_id, plan, last_seen_at, inactive_days,
  case when inactive_days >= 30 then 'lost' when inactive_days >= 14 then 'high' else 'watch' end
from (
  select user_id, max(occurred_at) as last_seen_at,
    floor(extract(epoch from {{as_of}}::timestamptz - max(occurred_at)) / 86400)::integer as inactive_days
  from {{schema}}.fact_events
  where (event_type in ('user_signup', 'page_view') or client_session_id is not null) and occurred_at <= {{as_of}}::timestamptz
  group by user_id
) as seen join {{schema}}.dim_user using (user_id)
where is_current and inactive_days >= 7;
