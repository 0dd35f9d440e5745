-- Contract and internet service are those that prices exist for.
select customer_id from {{schema}}.customers
where contract not in ('Month-to-month', 'One year', 'Two year') or internet_service not in ('DSL', 'Fiber optic', 'No')
