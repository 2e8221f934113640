//! The first checkout that a newcomer pastes: one template, printed as it is tested.

const TEMPLATE: &str = include_str!("first_checkout.sh");

/// Where the commands go, and with which keys.
pub(crate) struct Place<'a> {
    /// The URL of the service.
    pub(crate) api: &'a str,
    /// Its server key.
    pub(crate) key: &'a str,
    /// Its publishable key.
    pub(crate) publishable: &'a str,
    /// One of the origins of that key.
    pub(crate) origin: &'a str,
}

/// The commands; for bash, dash and zsh, with curl and sed alone.
pub(crate) fn text(place: &Place<'_>) -> String {
    let filled = [
        ("{{API}}", place.api),
        ("{{KEY}}", place.key),
        ("{{PUBLISHABLE}}", place.publishable),
        ("{{ORIGIN}}", place.origin),
    ];
    filled.iter().fold(TEMPLATE.to_owned(), |text, (name, value)| text.replace(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        let text = text(&Place {
            api: "http://127.0.0.1:8080",
            key: "dev-storefront-key",
            publishable: "dev-publishable-key",
            origin: "http://localhost:3000",
        });
        assert!(text.starts_with(
            "API=http://127.0.0.1:8080\nPUBLISHABLE=dev-publishable-key\nORIGIN=http://localhost:3000\nKEY=dev-storefront-key\n"
        ));
        // An interactive shell would treat these differently from a script.
        assert!(
            !text.contains("{{") && !text.contains('!') && !text.lines().any(|line| line.starts_with('#'))
        );
    }
}
