//! What the service stands on: leases, clocks, the database's promises, and rows that others wrote.

mod lease;
