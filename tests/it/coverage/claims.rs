//! Which calls tests say that they drove: the texts in `drove(&[...])`. That they did is checked where they say it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenTree};

use crate::architecture::source::{group, ident, sources};

/// The tests by the call that they drove.
pub(super) fn of_tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources("tests/it").iter().filter(|source| !source.path.ends_with("coverage/mod.rs")) {
        let tokens = source.tokens();
        let mut test = None;
        for at in 0..tokens.len() {
            if group(&tokens, at, Delimiter::Bracket).is_some_and(|inner| is_test(&inner)) {
                test = Some(String::new());
            }
            if ident(&tokens, at).is_some_and(|word| word == "fn") {
                let name = ident(&tokens, at + 1).unwrap_or_default();
                let path: Vec<&str> = source.module.iter().map(String::as_str).chain([&*name]).collect();
                test = test.map(|_| path.join("::"));
            }
            let Some(body) = group(&tokens, at, Delimiter::Brace) else { continue };
            claimed(&body, &mut |call| {
                let test = test.clone().unwrap_or_else(|| panic!("{}: no test drove {call}", source.path));
                found.entry(call.to_owned()).or_default().insert(test);
            });
            test = None;
        }
    }
    found
}

fn is_test(attribute: &[TokenTree]) -> bool {
    attribute.iter().any(|token| matches!(token, TokenTree::Ident(word) if word == "test"))
}

/// What is in the parentheses after `.drove`.
fn claimed(tokens: &[TokenTree], found: &mut dyn FnMut(&str)) {
    for at in 0..tokens.len() {
        let method = at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(punct) if punct.as_char() == '.');
        if method
            && ident(tokens, at).is_some_and(|word| word == "drove")
            && let Some(calls) = group(tokens, at + 1, Delimiter::Parenthesis)
        {
            texts(&calls, found);
        } else if let TokenTree::Group(inner) = &tokens[at] {
            claimed(&inner.stream().into_iter().collect::<Vec<_>>(), found);
        }
    }
}

/// Every text in these tokens.
pub(super) fn texts(tokens: &[TokenTree], found: &mut dyn FnMut(&str)) {
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => {
                let written = literal.to_string();
                if let Some(text) = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                    found(text);
                }
            }
            TokenTree::Group(inner) => texts(&inner.stream().into_iter().collect::<Vec<_>>(), found),
            _ => {}
        }
    }
}
