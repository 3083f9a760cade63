"""The command line: each command reads its arguments, calls what knows the business, and shows what came of it.

`app` lists the commands and turns errors into exit codes; `options` what they share on the line; `loading` reads the
configuration; `moments` reads times; `render` and `progress` show. `run`, `config`, `ask`, `act`, `report`, `logs`,
`venue` and `journal` hold the commands. Modules are imported inside commands, so that none pays for another's.
"""
