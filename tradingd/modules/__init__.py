"""The modules, one file each: a synchronous `handle` that consults the core and emits what follows.

data_handler, strategy_engine, execution_engine, broker_interface, portfolio_manager, risk_manager,
configuration_manager, trade_logger, reporting_engine. The tenth, the orchestrator, stands above this folder: it makes,
wires, supervises and stops them. They never import each other.
"""
