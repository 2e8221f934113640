//! A document names only what exists: files, links, functions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::named_in_ticks;
use super::source::{root, sources};

/// The documents of the repository.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["", "docs", "simulator", "deploy/ha", "deploy/compose"] {
        let Ok(entries) = std::fs::read_dir(root().join(folder)) else { continue };
        let files = entries.flatten().map(|entry| entry.path());
        found.extend(files.filter(|file| file.extension().is_some_and(|kind| kind == "md")));
    }
    found
}

/// Whether this looks like a file of the repository: it has a folder and one of our endings.
fn is_a_file(word: &str) -> bool {
    let endings = ["rs", "md", "sql", "yml", "yaml", "json", "toml", "sh", "patch", "cfg"];
    let plain = word.chars().all(|char| char.is_ascii_alphanumeric() || "._-/".contains(char));
    plain
        && !word.starts_with('/')
        && word.contains('/')
        && Path::new(word).extension().is_some_and(|end| endings.iter().any(|known| end == *known))
}

/// Whether it is there, from the root, from the document, or as modules are named: within `src` or `tests/it`.
fn exists(word: &str, document: &Path) -> bool {
    let folder = document.parent().expect("it is in a folder");
    let from = [root().to_owned(), folder.to_owned(), root().join("src"), root().join("tests/it")];
    from.iter().any(|from| from.join(word).exists())
}

/// Where the links of a document lead, without what is not a file.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|target| !target.is_empty() && !target.contains("://")).collect()
}

fn wrong_in(text: &str, document: &Path, names: &BTreeSet<String>) -> Vec<String> {
    let ticked = named_in_ticks(text);
    let files = ticked.iter().map(String::as_str).filter(|word| is_a_file(word)).chain(links(text));
    let mut wrong: Vec<String> =
        files.filter(|file| !exists(file, document)).map(|file| format!("no file {file}")).collect();
    let path = |word: &&String| {
        word.contains("::") && word.chars().all(|char| char.is_alphanumeric() || char == '_' || char == ':')
    };
    for word in ticked.iter().filter(path) {
        let missing = word.split("::").find(|segment| !names.contains(*segment));
        wrong.extend(missing.map(|segment| format!("no {segment} of {word}")));
    }
    wrong
}

/// Every name that is declared or used in a source.
fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["src", "tests", "simulator", "devtools", "benches"] {
        for source in sources(folder) {
            let file = Path::new(&source.path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            names.extend(file);
            let text = std::fs::read_to_string(root().join(&source.path)).expect("a source");
            let words = text.split(|char: char| !(char.is_alphanumeric() || char == '_'));
            names.extend(words.map(str::to_owned));
        }
    }
    names
}

#[test]
fn every_document_names_only_what_exists() {
    let (names, documents) = (names(), documents());
    assert!(documents.len() > 10, "only {} documents were seen: this test is blind", documents.len());
    let mut wrong = Vec::new();
    for document in documents {
        let text = std::fs::read_to_string(&document).expect("a document");
        let name = document.file_name().expect("a name").to_string_lossy().into_owned();
        wrong.extend(wrong_in(&text, &document, &names).into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_not_there_is_seen() {
    let document = root().join("README.md");
    let names = BTreeSet::from(["saga".to_owned(), "there".to_owned()]);
    let text = "`src/gone.rs` `saga::gone` `saga::there` `src/lib.rs` [a](gone.md) [b](README.md#x) [c](https://x.example/y.md)";
    assert_eq!(
        wrong_in(text, &document, &names),
        ["no file src/gone.rs", "no file gone.md", "no gone of saga::gone"]
    );
}
