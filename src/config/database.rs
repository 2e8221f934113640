//! How to reach PostgreSQL: one address that leads to the primary, wherever that is now.
//!
//! No reason that is given for a refusal repeats any part of a URL, which carries a password.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;

use super::reader::{Reader, number};
use crate::secret::Secret;

/// What every refusal ends with.
const FORM: &str = "must be a URL such as postgres://user:password@host:5432/name";

/// How to reach PostgreSQL.
#[derive(Clone)]
pub struct Database {
    /// `DATABASE_URL`: leads to the primary, possibly through a pooler.
    pub url: Secret,
    /// `DATABASE_DIRECT_URL`: the database itself, where `url` is a pooler.
    pub direct: Option<Secret>,
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
    pub fn direct(&self) -> &Secret {
        self.direct.as_ref().unwrap_or(&self.url)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let max_connections = reader.defaulted("DATABASE_MAX_CONNECTIONS", number(5, 1000));
        let direct = reader.secret("DATABASE_DIRECT_URL");
        let url = reader.required_secret("DATABASE_URL");
        let direct = match direct {
            Some(url) => Some(checked(reader, "DATABASE_DIRECT_URL", url)?),
            None => None,
        };
        let url = checked(reader, "DATABASE_URL", url?)?;
        Some(Self { url, direct, max_connections })
    }
}

fn checked(reader: &mut Reader<'_>, name: &str, url: Secret) -> Option<Secret> {
    match check(url.expose()) {
        Ok(()) => Some(url),
        Err(reason) => {
            reader.refuse(name, reason);
            None
        }
    }
}

/// Whether it is a URL of one server.
fn check(url: &str) -> Result<(), String> {
    let scheme = ["postgres://", "postgresql://"].into_iter().find(|scheme| url.starts_with(scheme));
    let rest = scheme.and_then(|scheme| url.strip_prefix(scheme)).ok_or(FORM)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let several = query.split('&').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        matches!(name, "host" | "hostaddr" | "port")
            && (value.contains(',') || value.to_ascii_lowercase().contains("%2c"))
    });
    if hosts.contains(',') || several {
        return Err(
            "names several hosts. Give the one address that always leads to the primary: that of a managed \
                    database, or of a proxy such as HAProxy in front of Patroni (deploy/ha)"
                .to_owned(),
        );
    }
    if query.split('&').any(|parameter| parameter.starts_with("target_session_attrs=")) {
        return Err("target_session_attrs is not needed: only a server that takes writes is used".to_owned());
    }
    // The parser's own words are not repeated: they may quote the password.
    PgConnectOptions::from_str(url).map(drop).map_err(|_| FORM.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_one_server() {
        for url in [
            "postgres://u:p@one/x",
            "postgresql://one:1",
            "postgres:///x?host=/run/postgresql",
            "postgres://u:p,q@one:1/x",
            "postgres://u@[::1]:1/x?sslmode=require",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let table = [
            ("mysql://u:hunter2@one/x", FORM),
            ("postgres://u:hunter2@one:notaport/x", FORM),
            ("postgres://u:hunter2@one,two/x", "several hosts"),
            ("postgres://u:hunter2@one:1,two:2/x", "several hosts"),
            ("postgres://u:hunter2@one,/x", "several hosts"),
            ("postgres://u:hunter2@/x?host=one,two", "several hosts"),
            ("postgres://u:hunter2@/x?host=one%2Ctwo", "several hosts"),
            ("postgres://u:hunter2@one/x?target_session_attrs=any", "not needed"),
        ];
        for (url, reason) in table {
            let refused = check(url).expect_err(url);
            assert!(refused.contains(reason) && !refused.contains("hunter2"), "{url}: {refused}");
        }
    }
}
