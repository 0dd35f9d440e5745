-- Nobody at risk did anything in the last seven days.
select user_id from {{schema}}.churn_risk where inactive_days < 7
