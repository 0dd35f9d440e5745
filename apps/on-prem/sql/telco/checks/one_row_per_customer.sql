-- One row per customer.
select customer_id from {{schema}}.customers group by customer_id having count(*) > 1
