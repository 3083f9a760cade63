"""What every test shares: property tests judge results, never how busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("tradingd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tradingd")
