-- History of plans in event time. A sign-up or purchase that names a plan begins a version when the plan differs from the one
-- before; an event that changes the plan belongs to the plan it brings. Before the first one stands an inferred version without
-- beginning, so every event has a version. Users are taken up again whole when something new is known about their plan, so a late
-- sign-up or purchase leads to the history that it would have led to in time. Keys of versions that stay are kept.
create temporary table affected_users on commit drop as
select distinct user_id from new_events
where (event_type in ('user_signup', 'purchase') and plan is not null)
  or not exists (select from {{schema}}.dim_user where dim_user.user_id = new_events.user_id);

create temporary table user_versions on commit drop as
with plan_events as (
  -- Of two at one moment the later record counts.
  select distinct on (user_id, occurred_at) user_id, occurred_at, plan
  from {{schema}}.events join affected_users using (user_id)
  where event_type in ('user_signup', 'purchase') and plan is not null
  order by user_id, occurred_at, _offset desc, _partition desc
), changes as (
  select *, lag(plan) over (partition by user_id order by occurred_at) as plan_before from plan_events
), starts as (
  select user_id, '-infinity'::timestamptz as valid_from, 'unknown' as plan, true as is_inferred from affected_users
  union all
  select user_id, occurred_at, plan, false from changes where plan is distinct from plan_before
)
select *, coalesce(lead(valid_from) over of_user, 'infinity') as valid_to, lead(valid_from) over of_user is null as is_current
from starts window of_user as (partition by user_id order by valid_from);

insert into {{schema}}.dim_user as known (user_id, plan, valid_from, valid_to, is_current, is_inferred)
select user_id, plan, valid_from, valid_to, is_current, is_inferred from user_versions order by user_id, valid_from
on conflict (user_id, valid_from) do update
set plan = excluded.plan, valid_to = excluded.valid_to, is_current = excluded.is_current, is_inferred = excluded.is_inferred
where (known.plan, known.valid_to, known.is_current) is distinct from (excluded.plan, excluded.valid_to, excluded.is_current);
