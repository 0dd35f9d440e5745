-- Facts loaded before their user's history changed get the key that holds at their time; then versions nobody needs go.
update {{schema}}.fact_events as fact set user_key = version.user_key
from {{schema}}.dim_user as version join user_versions using (user_id, valid_from)
where fact.user_id = version.user_id and fact.occurred_at >= version.valid_from and fact.occurred_at < version.valid_to
  and fact.user_key <> version.user_key;

delete from {{schema}}.dim_user as version using affected_users
where version.user_id = affected_users.user_id
  and not exists (select from user_versions where user_versions.user_id = version.user_id and user_versions.valid_from = version.valid_from);
