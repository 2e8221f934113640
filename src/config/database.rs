//! How to reach PostgreSQL: one server, or several of which one takes writes.
//!
//! Several are written as libpq does, separated by commas: each becomes a URL of its own. No reason that is given for a
//! refusal repeats any part of a URL, which carries a password.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;

use super::reader::{Reader, number, switch};
use super::secret::Secret;

/// What every refusal ends with.
const FORM: &str = "must be a URL such as postgres://user:password@host:5432/name";

/// How to reach PostgreSQL.
#[derive(Clone)]
pub struct Database {
    /// `DATABASE_URL` as it was given.
    pub url: Secret,
    /// `DATABASE_URL`: one URL for each server that it names, each with the password; never empty.
    pub servers: Vec<Secret>,
    /// `DATABASE_DIRECT_URL`, likewise; `None`: as `servers`.
    pub direct: Option<Vec<Secret>>,
    /// `DATABASE_PREPARED_STATEMENTS`.
    pub prepared_statements: bool,
    /// Connections of this process.
    pub max_connections: u32,
}

impl Database {
    /// What commands that need only the database read.
    pub fn from_env() -> Result<Self, super::Errors> {
        Self::from_vars(super::environment)
    }

    /// As [`Database::from_env`], from the variables that `get` answers.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, super::Errors> {
        let mut reader = Reader::new(&get);
        let database = Self::read(&mut reader);
        reader.finish(database)
    }

    /// Where sessions that last are made: migrations and LISTEN.
    pub fn direct(&self) -> &[Secret] {
        self.direct.as_deref().unwrap_or(&self.servers)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let max_connections = reader.defaulted("DATABASE_MAX_CONNECTIONS", number(5, 1000));
        let prepared_statements = reader.defaulted("DATABASE_PREPARED_STATEMENTS", switch);
        let direct = reader.secret("DATABASE_DIRECT_URL");
        let url = reader.required_secret("DATABASE_URL");
        if !prepared_statements && direct.is_none() {
            reader.refuse(
                "DATABASE_PREPARED_STATEMENTS",
                "is false for a connection pooler in transaction mode, which carries neither LISTEN nor migrations: \
                 set DATABASE_DIRECT_URL to the database itself",
            );
        }
        let direct = match direct {
            Some(url) => Some(servers(reader, "DATABASE_DIRECT_URL", &url)?),
            None => None,
        };
        let url = url?;
        let servers = servers(reader, "DATABASE_URL", &url)?;
        Some(Self { url, servers, direct, prepared_statements, max_connections })
    }
}

fn servers(reader: &mut Reader<'_>, name: &str, url: &Secret) -> Option<Vec<Secret>> {
    match each(url.expose()) {
        Ok(urls) => Some(urls.into_iter().map(Secret::new).collect()),
        Err(reason) => {
            reader.refuse(name, reason);
            None
        }
    }
}

/// One URL for each server of a URL that may name several.
fn each(url: &str) -> Result<Vec<String>, String> {
    let scheme = ["postgres://", "postgresql://"].into_iter().find(|scheme| url.starts_with(scheme));
    let rest = scheme.and_then(|scheme| url.strip_prefix(scheme)).ok_or(FORM)?;
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    let hosts: Vec<&str> = hosts.split(',').collect();
    if hosts.len() > 1 && hosts.iter().any(|host| host.is_empty() || host.starts_with(':')) {
        return Err(format!("has a comma without a host; {FORM}, or with host:port,host:port"));
    }
    let mut parameters = Vec::new();
    for parameter in query.into_iter().flat_map(|query| query.split('&')) {
        match parameter.split_once('=') {
            // What libpq calls so is what is always done here.
            Some(("target_session_attrs", "read-write" | "primary")) => {}
            Some(("target_session_attrs", _)) => {
                return Err("target_session_attrs must be read-write: this program writes".to_owned());
            }
            Some(("host" | "hostaddr" | "port", value)) if hosts.len() > 1 || value.contains([',', '%']) => {
                // A path of a socket is written with %2F as well as plainly.
                if hosts.len() > 1 || value.contains(',') || value.to_ascii_lowercase().contains("%2c") {
                    return Err(format!(
                        "names several hosts as host:port,host:port before its path; {FORM}"
                    ));
                }
                parameters.push(parameter);
            }
            _ => parameters.push(parameter),
        }
    }
    let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
    let user = if authority.contains('@') { format!("{user}@") } else { String::new() };
    let urls = hosts.into_iter().map(|host| format!("postgres://{user}{host}{path}{query}"));
    // The parser's own words are not repeated: they may quote the password.
    urls.map(|url| PgConnectOptions::from_str(&url).map(|_| url).map_err(|_| FORM.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_gets_a_url_of_its_own() {
        let table: [(&str, &[&str]); 7] = [
            ("postgres://u:p@one/x", &["postgres://u:p@one/x"]),
            ("postgresql://one:1", &["postgres://one:1"]),
            ("postgres:///x?host=/run/postgresql", &["postgres:///x?host=/run/postgresql"]),
            ("postgres://u:p,q@one:1,two:2/x", &["postgres://u:p,q@one:1/x", "postgres://u:p,q@two:2/x"]),
            (
                "postgres://u@[::1]:1,two/x?target_session_attrs=read-write&sslmode=require",
                &["postgres://u@[::1]:1/x?sslmode=require", "postgres://u@two/x?sslmode=require"],
            ),
            ("postgres://one,two?target_session_attrs=primary", &["postgres://one", "postgres://two"]),
            ("postgres://one/x?target_session_attrs=read-write", &["postgres://one/x"]),
        ];
        for (url, expected) in table {
            assert_eq!(each(url).expect(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let table = [
            ("mysql://u:hunter2@one/x", FORM),
            ("postgres://u:hunter2@one:notaport/x", FORM),
            ("postgres://u:hunter2@one,two:notaport/x", FORM),
            ("postgres://u:hunter2@one,,two/x", "a comma without a host"),
            ("postgres://u:hunter2@one,/x", "a comma without a host"),
            ("postgres://u:hunter2@one,:5432/x", "a comma without a host"),
            ("postgres://u:hunter2@one,two/x?target_session_attrs=any", "must be read-write"),
            ("postgres://u:hunter2@/x?host=one,two", "before its path"),
            ("postgres://u:hunter2@one,two/x?port=1", "before its path"),
        ];
        for (url, reason) in table {
            let refused = each(url).expect_err(url);
            assert!(refused.contains(reason) && !refused.contains("hunter2"), "{url}: {refused}");
        }
    }
}
