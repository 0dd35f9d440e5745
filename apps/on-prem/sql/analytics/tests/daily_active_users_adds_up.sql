-- Page views of all days are the page views of the facts, and nobody is new without being active.
select 1 where (select coalesce(sum(page_views), 0) from {{schema}}.daily_active_users)
  <> (select count(*) from {{schema}}.fact_events where event_type = 'page_view')
union all select 1 from {{schema}}.daily_active_users where new_users > active_users
