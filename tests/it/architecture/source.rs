//! Sources as tokens: paths with groups written out and `super` resolved, attributes, names, what panics.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A source file.
pub(crate) struct Source {
    /// From the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The modules it is in, outermost first; empty for `lib.rs`.
    pub(crate) module: Vec<String>,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten().map(|entry| entry.path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    files(&root().join(folder), &mut found);
    found.sort();
    assert!(found.len() > 10, "{folder} is not where the sources are");
    let source = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source is text");
        let inner = path.strip_prefix(root().join(folder)).expect("it was found there").with_extension("");
        let mut module: Vec<String> = inner.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
            module.pop();
        }
        let path = path.strip_prefix(root()).expect("it is inside").display().to_string();
        Source { path, text, module }
    };
    found.into_iter().map(source).collect()
}

impl Source {
    pub(crate) fn tokens(&self) -> Vec<TokenTree> {
        let stream: TokenStream = self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path));
        stream.into_iter().collect()
    }

    /// The module of the crate that it belongs to.
    pub(crate) fn room(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }

    /// A file that holds nothing but tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("_tests.rs") || self.path.ends_with("/tests.rs")
    }
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    colon(at) && colon(at + 1)
}

pub(crate) fn group(tokens: &[TokenTree], at: usize, delimiter: Delimiter) -> Option<Vec<TokenTree>> {
    match tokens.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => {
            Some(group.stream().into_iter().collect())
        }
        _ => None,
    }
}

pub(crate) fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// Without what is compiled for tests only.
pub(crate) fn without_tests(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let hash = matches!(&tokens[at], TokenTree::Punct(punct) if punct.as_char() == '#');
        let attribute = group(tokens, at + 1, Delimiter::Bracket);
        if hash && attribute.is_some_and(|inner| text(&inner) == "cfg(test)") {
            at += 2;
            while at < tokens.len() {
                let ends = matches!(&tokens[at], TokenTree::Punct(punct) if punct.as_char() == ';')
                    || group(tokens, at, Delimiter::Brace).is_some();
                at += 1;
                if ends {
                    break;
                }
            }
            continue;
        }
        kept.push(match &tokens[at] {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                TokenTree::Group(proc_macro2::Group::new(
                    group.delimiter(),
                    without_tests(&inner).into_iter().collect(),
                ))
            }
            other => other.clone(),
        });
        at += 1;
    }
    kept
}

fn text(tokens: &[TokenTree]) -> String {
    tokens.iter().map(ToString::to_string).collect::<String>().replace(' ', "")
}

/// Every path that is named, with groups written out: `use a::{b, c::d}` names `a::b` and `a::c::d`. `super` is
/// resolved; what leads to the root of the crate starts with `crate`.
fn paths(tokens: &[TokenTree], module: &[String], found: &mut BTreeSet<Vec<String>>) {
    let mut at = 0;
    while at < tokens.len() {
        if ident(tokens, at).is_some_and(|word| word == "mod")
            && let (Some(name), Some(inner)) =
                (ident(tokens, at + 1), group(tokens, at + 2, Delimiter::Brace))
        {
            let inside: Vec<String> = module.iter().cloned().chain([name]).collect();
            paths(&inner, &inside, found);
            at += 3;
            continue;
        }
        if ident(tokens, at).is_some() {
            at = one_path(tokens, at, Vec::new(), module, found);
            continue;
        }
        if let TokenTree::Group(group) = &tokens[at] {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            paths(&inner, module, found);
        }
        at += 1;
    }
}

/// Follows one path and answers where it ends.
fn one_path(
    tokens: &[TokenTree],
    mut at: usize,
    prefix: Vec<String>,
    module: &[String],
    found: &mut BTreeSet<Vec<String>>,
) -> usize {
    let mut segments = prefix;
    while let Some(segment) = ident(tokens, at) {
        segments.push(segment);
        at += 1;
        if !is_colons(tokens, at) {
            break;
        }
        at += 2;
        if let Some(inner) = group(tokens, at, Delimiter::Brace) {
            for branch in
                inner.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
            {
                one_path(branch, 0, segments.clone(), module, found);
            }
            return at + 1;
        }
    }
    found.insert(absolute(segments, module));
    at
}

fn absolute(segments: Vec<String>, module: &[String]) -> Vec<String> {
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    if ups == 0 {
        return segments;
    }
    let base = module.len().saturating_sub(ups);
    let mut path = vec!["crate".to_owned()];
    path.extend(module.iter().take(base).cloned());
    path.extend(segments.into_iter().skip(ups));
    path
}

pub(crate) fn paths_of(source: &Source) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    paths(&source.tokens(), &source.module, &mut found);
    found
}

/// Every attribute, without blanks.
pub(crate) fn attributes(tokens: &[TokenTree], found: &mut Vec<String>) {
    for at in 0..tokens.len() {
        if matches!(&tokens[at], TokenTree::Punct(punct) if punct.as_char() == '#') {
            let bang = matches!(tokens.get(at + 1), Some(TokenTree::Punct(punct)) if punct.as_char() == '!');
            found.extend(
                group(tokens, at + 1 + usize::from(bang), Delimiter::Bracket).map(|inner| text(&inner)),
            );
        }
        if let TokenTree::Group(group) = &tokens[at] {
            attributes(&group.stream().into_iter().collect::<Vec<_>>(), found);
        }
    }
}

/// What panics on purpose.
pub(crate) fn panics(tokens: &[TokenTree], path: &str, wrong: &mut Vec<String>) {
    let punct = |at: usize, char: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == char);
    for at in 0..tokens.len() {
        if let Some(word) = ident(tokens, at) {
            let unwraps = at > 0 && punct(at - 1, '.') && matches!(word.as_str(), "unwrap" | "unwrap_err");
            let gives_up = punct(at + 1, '!')
                && !punct(at + 2, '=')
                && matches!(word.as_str(), "panic" | "todo" | "unimplemented" | "unreachable" | "dbg");
            if unwraps || gives_up {
                wrong.push(format!("{path}: {word}"));
            }
        }
        if let TokenTree::Group(group) = &tokens[at] {
            panics(&group.stream().into_iter().collect::<Vec<_>>(), path, wrong);
        }
    }
}

/// The names of types and modules that are declared.
pub(crate) fn declared(tokens: &[TokenTree], names: &mut Vec<String>) {
    for at in 0..tokens.len() {
        let declares = ident(tokens, at).is_some_and(|word| {
            matches!(word.as_str(), "struct" | "enum" | "trait" | "union" | "type" | "mod")
        });
        if declares {
            names.extend(ident(tokens, at + 1));
        }
        if let TokenTree::Group(group) = &tokens[at] {
            declared(&group.stream().into_iter().collect::<Vec<_>>(), names);
        }
    }
}

/// The words of a name in any case.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut lower = false;
    for char in name.chars() {
        if char == '_' || (char.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = char.is_lowercase();
        if char != '_' {
            words.last_mut().expect("there is one").extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn the_reader_of_imports_sees_every_way_to_write_one() {
    let text = "
        use crate::{a, b::{self, C}, c as d}; // crate::comment
        const TEXT: &str = \"crate::text\";
        fn f() { let _ = crate::inline::X; some_macro!(crate::in_macro(1)); super::sibling::f(); }
        mod deeper { use super::super::uncle; fn g(x: &dyn crate::object::T) {} }
    ";
    let source = Source { path: "x".into(), text: text.into(), module: vec!["room".into(), "file".into()] };
    let paths = paths_of(&source);
    let seen: BTreeSet<&str> = paths
        .iter()
        .filter(|path| path.first().is_some_and(|first| first == "crate"))
        .filter_map(|path| path.get(1).map(String::as_str))
        .collect();
    assert_eq!(seen, ["a", "b", "c", "in_macro", "inline", "object", "room"].into());
    assert!(paths.contains(&["crate", "room", "sibling", "f"].map(str::to_owned)[..]), "{paths:?}");
    assert!(paths.contains(&["crate", "room", "uncle"].map(str::to_owned)[..]), "{paths:?}");
}
