"""Alpaca's market data: `wire` decodes, `stream` keeps the websocket, `history` asks for bars of the past."""
