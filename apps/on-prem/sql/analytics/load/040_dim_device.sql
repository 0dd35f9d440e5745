-- A device is what its four attributes say; those not sent are unknown.
insert into {{schema}}.dim_device (type, os, browser, app_version)
select distinct device_type, coalesce(device_os, 'unknown'), coalesce(device_browser, 'unknown'), coalesce(device_app_version, 'unknown')
from new_events
on conflict (type, os, browser, app_version) do nothing;
