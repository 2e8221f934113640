//! The first checkout that a newcomer pastes: one template, printed as it is tested.

const TEMPLATE: &str = include_str!("first_checkout.sh");

/// The commands for a service at that URL with that storefront key; for bash, dash and zsh, with curl and sed alone.
pub(super) fn text(api: &str, key: &str) -> String {
    TEMPLATE.replace("{{API}}", api).replace("{{KEY}}", key)
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_is_left_to_fill_in() {
        let text = super::text("http://127.0.0.1:8080", "dev-storefront-key");
        assert!(text.contains("API=http://127.0.0.1:8080\nKEY=dev-storefront-key\n"));
        // An interactive shell would treat these differently from a script.
        assert!(
            !text.contains("{{") && !text.contains('!') && !text.lines().any(|line| line.starts_with('#'))
        );
    }
}
