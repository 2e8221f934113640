//! Reads single settings and collects everything that is wrong with them.
//!
//! It never stops at the first mistake, and never repeats the value of a secret.

use std::{fmt, net::SocketAddr, time::Duration};

use super::settings::setting;
use crate::secret::Secret;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable, or the place in the stores file.
    pub name: String,
    /// Why it was refused.
    pub reason: String,
}

/// Everything that is wrong with the configuration; one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(pub Vec<Mistake>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong:")?;
        for Mistake { name, reason } in &self.0 {
            write!(f, "\n  {name}: {reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// Looks variables up and remembers what was wrong.
pub(super) struct Reader<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { get, problems: Vec::new() }
    }

    /// Ends the reading: what was built, or everything that was wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Errors> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(Errors(self.problems)),
        }
    }

    pub(super) fn refuse(&mut self, name: &str, reason: impl Into<String>) {
        self.problems.push(Mistake { name: name.to_owned(), reason: reason.into() });
    }

    /// The variable as it is set. An empty one counts as unset, because compose files pass those on.
    pub(super) fn set(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A secret from its variable or from the file that `<NAME>_FILE` names.
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret> {
        let file_name = format!("{name}_FILE");
        match (self.set(name), self.set(&file_name)) {
            (Some(_), Some(_)) => {
                self.refuse(name, format!("is set together with {file_name}; keep one of them"));
                None
            }
            (Some(text), None) => Some(Secret::new(text)),
            (None, Some(path)) => match read_secret_file(&path) {
                Ok(secret) => Some(secret),
                Err(reason) => {
                    self.refuse(&file_name, reason);
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// As [`Reader::secret`], and refused when it is missing.
    pub(super) fn required_secret(&mut self, name: &str) -> Option<Secret> {
        let before = self.problems.len();
        let secret = self.secret(name);
        if secret.is_none() && self.problems.len() == before {
            self.refuse(name, format!("is required (or {name}_FILE)"));
        }
        secret
    }

    /// An optional setting.
    pub(super) fn optional<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.set(name).or_else(|| setting(name)?.default.map(str::to_owned))?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.refuse(name, reason);
                None
            }
        }
    }

    /// A setting with a default; the default stands in for a wrong value while the rest is read.
    pub(super) fn defaulted<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        self.optional(name, &parse).unwrap_or_else(|| {
            let default = setting(name).and_then(|setting| setting.default);
            let value = default.and_then(|text| parse(text).ok());
            value.expect("a setting read this way has a default, and tests parse every default")
        })
    }
}

/// A secret kept in a file, as Docker and Kubernetes mount them; a line break at its end does not count.
pub(super) fn read_secret_file(path: &str) -> Result<Secret, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {}", error.kind()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(format!("{path} is empty")) } else { Ok(Secret::new(text.to_owned())) }
}

/// A number within bounds.
pub(super) fn number(min: u32, max: u32) -> impl Fn(&str) -> Result<u32, String> {
    move |text| match text.parse::<u32>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from {min} to {max}, not {text:?}")),
    }
}

/// Seconds, whole or fractional, above zero and at most `max`.
pub(super) fn seconds(max: u32) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        let refused = || format!("must be a number of seconds above 0 and at most {max}, not {text:?}");
        let digits = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let value = text.parse::<f64>().ok().filter(|_| digits).ok_or_else(refused)?;
        let duration = Duration::try_from_secs_f64(value).map_err(|_| refused())?;
        let allowed = duration >= Duration::from_millis(1) && duration <= Duration::from_secs(max.into());
        allowed.then_some(duration).ok_or_else(refused)
    }
}

/// The same, or 0 for never.
pub(super) fn seconds_or_off(max: u32) -> impl Fn(&str) -> Result<Option<Duration>, String> {
    move |text| if text == "0" { Ok(None) } else { seconds(max)(text).map(Some) }
}

/// `true` or `false`.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("must be true or false, not {text:?}")),
    }
}

/// An address with a port, such as `127.0.0.1:8080`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("must be an IP address and a port such as 127.0.0.1:8080, not {text:?}"))
}

/// The base URL of a server, without a slash at its end.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let refused = |why: &str| format!("must be an http or https URL ({why})");
    let url = reqwest::Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("it starts with something else"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it carries credentials, which do not belong there"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("it carries a query or a fragment"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An origin as a browser sends it: scheme, host and port, nothing else.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let refused = || format!("must list origins such as https://shop.example, not {text:?}");
    let url = reqwest::Url::parse(text).map_err(|_| refused())?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if bare { Ok(url.origin().ascii_serialization()) } else { Err(refused()) }
}

/// Origins separated by commas.
pub(super) fn origins(text: &str) -> Result<Vec<String>, String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(origin).collect()
}
