"""Tables, transactions, migrations, and the SQL that every wing needs."""
