"""What trading came to, measured and put into words.

measure        from a history of the journal to measured performance
day_statement  taking a day's statement: the venue asked, the journal read
text           a report for people
json           a report for programs
csv            round trips and trades for a spreadsheet
statement      a day's statement as text, Markdown or JSON
table          aligned plain text
times          times in the reader's zone, with its name
"""
