//! Every file of a test is compiled: a file that no module names would hold nothing, and nobody would notice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::source::{files, root};

/// The files that are modules of this one, as rustc finds them, and it itself.
fn modules(file: &Path, found: &mut BTreeSet<PathBuf>) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    found.insert(file.to_owned());
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = file.parent().expect("it is in a folder");
    let inside = if matches!(&*stem, "mod" | "main" | "lib") { folder.to_owned() } else { folder.join(stem) };
    let mut path = None;
    for line in text.lines() {
        // A module is declared at the margin.
        if let Some(given) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            path = Some(folder.join(given));
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let name = match words.as_slice() {
            ["mod", name] | ["pub(crate)" | "pub(super)" | "pub", "mod", name] => name.strip_suffix(';'),
            _ => None,
        };
        if let Some(name) = name {
            let usual = [inside.join(format!("{name}.rs")), inside.join(name).join("mod.rs")];
            let module = path.take().or_else(|| usual.into_iter().find(|file| file.is_file()));
            modules(&module.unwrap_or_else(|| panic!("{name} of {}", file.display())), found);
        }
    }
}

/// The files below a folder that nobody compiles.
fn left_out(folder: &Path) -> BTreeSet<PathBuf> {
    let mut there = Vec::new();
    files(folder, &mut there);
    let mut compiled = BTreeSet::new();
    modules(&folder.join("main.rs"), &mut compiled);
    there.into_iter().filter(|file| !compiled.contains(file)).collect()
}

#[test]
fn every_file_of_a_test_is_compiled() {
    let mut folders = 0;
    for folder in std::fs::read_dir(root().join("tests")).expect("the tests").flatten() {
        if folder.path().join("main.rs").is_file() {
            folders += 1;
            let left_out = left_out(&folder.path());
            assert!(left_out.is_empty(), "in no module, so never run: {left_out:#?}");
        }
    }
    assert!(folders >= 4, "only {folders} folders of tests were seen: this test is blind");
}

#[test]
fn a_file_in_no_module_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    std::fs::create_dir(folder.path().join("inner")).expect("a folder");
    write(
        "main.rs",
        "mod one;\npub(crate) mod inner;\n#[path = \"elsewhere.rs\"]\nmod named;\n// mod forgotten;\n",
    );
    write("one.rs", "");
    write("elsewhere.rs", "");
    write("inner/mod.rs", "mod deep;\n");
    write("inner/deep.rs", "");
    assert_eq!(left_out(folder.path()), BTreeSet::new());
    write("forgotten.rs", "");
    write("inner/left.rs", "");
    let seen = left_out(folder.path());
    assert_eq!(seen, ["forgotten.rs", "inner/left.rs"].map(|name| folder.path().join(name)).into());
}
