//! The rules of the house that a compiler does not hold: who may import whom, how long a file may be, which words are
//! not ours, who reads the environment.
//!
//! The sources are read as tokens, so that comments and texts do not count and macros do.

mod compiled;
mod documents;
pub(crate) mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{attributes, declared, ident, panics, paths_of, root, sources, without_tests, words};

/// Which module of the service may name which. ARCHITECTURE.md shows the same table.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("backoff", &[]),
    ("json", &[]),
    ("loopback", &[]),
    ("role", &[]),
    ("secret", &[]),
    ("checkout", &["json"]),
    ("bigcommerce", &["backoff", "json", "loopback", "secret"]),
    ("schema", &["checkout"]),
    ("standard_webhooks", &[]),
    ("db", &["checkout", "schema"]),
    ("saga", &["backoff", "checkout", "db", "bigcommerce"]),
    ("outbox", &["backoff", "config", "db", "standard_webhooks"]),
    ("ops", &["backoff", "checkout", "schema", "db", "role", "saga", "bigcommerce", "secret"]),
    (
        "http",
        &[
            "json",
            "checkout",
            "schema",
            "saga",
            "ops",
            "config",
            "migrations",
            "role",
            "secret",
            "standard_webhooks",
            "telemetry",
        ],
    ),
    ("config", &["loopback", "role", "secret", "standard_webhooks"]),
    ("telemetry", &["checkout", "db", "saga", "bigcommerce", "config"]),
    ("migrations", &["config", "secret"]),
    (
        "app",
        &[
            "checkout",
            "db",
            "saga",
            "outbox",
            "bigcommerce",
            "ops",
            "http",
            "config",
            "telemetry",
            "migrations",
        ],
    ),
    ("cli", &["app", "config", "telemetry", "ops", "bigcommerce", "http", "migrations", "role"]),
];

/// Crates that only some modules may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("axum", &["http", "app"]),
    // A derive on the types that are answered, wherever they are made: nothing of HTTP comes with it.
    ("utoipa", &["http", "ops", "db", "role", "schema"]),
    ("maud", &["http"]),
    ("sqlx", &["db", "migrations", "app", "config", "http"]),
    ("clap", &["cli"]),
    ("prometheus_client", &["telemetry"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_http", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
];

/// Where SQL may be.
const MAY_QUERY: &[&str] = &["db", "migrations"];

/// Words that say nothing, as parts of the names of modules and types.
const NOT_OUR_WORDS: &[&str] =
    &["workflow", "job", "manager", "service", "util", "utils", "helper", "helpers", "common", "mock"];

/// The longest file, without its tests.
const LONGEST: usize = 400;

/// The modules of the crate, as `lib.rs` declares them; those for tests only are no rooms.
fn rooms() -> BTreeSet<String> {
    let lib = sources("src").into_iter().find(|source| source.path == "src/lib.rs").expect("lib.rs");
    let tokens = without_tests(&lib.tokens());
    (0..tokens.len())
        .filter(|&at| ident(&tokens, at).is_some_and(|word| word == "mod"))
        .filter_map(|at| ident(&tokens, at + 1))
        .collect()
}

fn allowed<'a>(table: &'a [(&str, &'a [&'a str])], room: &str) -> &'a [&'a str] {
    table.iter().find(|(name, _)| *name == room).map_or(&[], |(_, list)| list)
}

#[test]
fn no_room_is_entered_from_where_it_may_not_be() {
    let rooms = rooms();
    let mut wrong = BTreeSet::new();
    let mut seen = 0;
    for source in sources("src").iter().filter(|source| rooms.contains(source.room())) {
        for path in paths_of(source) {
            let [first, room, ..] = path.as_slice() else { continue };
            if first == "crate" && rooms.contains(room) && room != source.room() {
                seen += 1;
                if !allowed(MAY_IMPORT, source.room()).contains(&room.as_str()) {
                    wrong.insert(format!(
                        "{}: {} may not name {}",
                        source.path,
                        source.room(),
                        path.join("::")
                    ));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} imports were seen: this test is blind");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_table_of_imports_is_the_one_in_the_architecture_document() {
    let document = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with("| `src/") || line.starts_with("| `src`")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let words =
            |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let may = words(cells.last().copied().unwrap_or_default());
        for room in words(cells.first().copied().unwrap_or_default()) {
            let Some(room) = room.strip_prefix("src/") else { continue };
            shown.insert(room.trim_end_matches(".rs").to_owned(), may.iter().cloned().collect());
        }
    }
    let held: BTreeMap<String, BTreeSet<String>> = MAY_IMPORT
        .iter()
        .map(|(room, may)| ((*room).to_owned(), may.iter().map(|may| (*may).to_owned()).collect()))
        .collect();
    assert_eq!(shown, held, "ARCHITECTURE.md and this test disagree");
    assert_eq!(rooms(), held.keys().cloned().collect(), "lib.rs has other rooms than the table");
}

#[test]
fn foreign_crates_stay_where_they_belong() {
    let mut wrong = BTreeSet::new();
    for source in sources("src").iter().filter(|source| !source.room().is_empty()) {
        for path in paths_of(source) {
            let first = path.first().map(String::as_str).unwrap_or_default();
            let rule = MAY_USE.iter().find(|(name, _)| *name == first && path.len() > 1);
            if rule.is_some_and(|(_, rooms)| !rooms.contains(&source.room())) {
                wrong.insert(format!("{}: {}", source.path, path.join("::")));
            }
            let queries = first == "sqlx" && path.get(1).is_some_and(|word| word.starts_with("query"));
            if queries && !MAY_QUERY.contains(&source.room()) {
                wrong.insert(format!("{}: SQL outside of the store: {}", source.path, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_simulator_shares_no_belief_with_the_service() {
    for source in sources("simulator/src") {
        let named = paths_of(&source);
        let ours = named.iter().find(|path| path.first().is_some_and(|first| first == "headless_checkout"));
        assert!(ours.is_none(), "{}: {ours:?}", source.path);
    }
    let manifest = std::fs::read_to_string(root().join("simulator/Cargo.toml")).expect("its manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let names = manifest.get(section).and_then(toml::Value::as_table);
        assert!(names.is_none_or(|names| !names.contains_key("headless-checkout")), "{section}");
    }
    for source in sources("src") {
        let named = paths_of(&source);
        let theirs =
            named.iter().find(|path| path.first().is_some_and(|first| first == "bigcommerce_simulator"));
        assert!(theirs.is_none(), "{}: {theirs:?}", source.path);
    }
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let mut wrong = BTreeSet::new();
    for source in sources("src") {
        for path in paths_of(&source) {
            let reads = path.windows(2).any(|pair| {
                pair[0] == "env"
                    && matches!(pair[1].as_str(), "var" | "vars" | "var_os" | "vars_os" | "set_var")
            });
            let may = matches!(source.room(), "config" | "telemetry");
            if reads && !may && !source.is_test() {
                wrong.insert(format!("{}: {}", source.path, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_short_enough_to_be_read() {
    let mut long = Vec::new();
    let mut lengths = Vec::new();
    let programs = sources("src").into_iter().chain(sources("simulator/src"));
    for source in programs.chain(sources("tests")).chain(sources("simulator/tests")).chain(sources("benches"))
    {
        // What stands in a file beside its own tests; a file of tests counts whole.
        let of_program = source.path.contains("src/") && !source.is_test();
        let own = |line: &&str| !of_program || *line != "#[cfg(test)]";
        let length = source.text.lines().take_while(own).count();
        if of_program {
            lengths.push(length);
        }
        if length > LONGEST {
            long.push(format!("{}: {length} lines", source.path));
        }
    }
    assert!(long.is_empty(), "more than {LONGEST} lines: {long:#?}");
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 150, "the median file has {median} lines");
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let all = sources("src").into_iter().chain(sources("simulator/src")).chain(sources("tests"));
    let silent: Vec<String> =
        all.filter(|source| !source.text.starts_with("//! ")).map(|source| source.path).collect();
    assert!(silent.is_empty(), "these do not open with //!: {silent:#?}");
}

#[test]
fn a_lint_is_expected_with_a_reason_and_never_allowed() {
    for source in sources("src").into_iter().chain(sources("simulator/src")).chain(sources("tests")) {
        let mut found = Vec::new();
        attributes(&source.tokens(), &mut found);
        let allows =
            found.iter().find(|attribute| attribute.starts_with("allow(") || attribute.contains(",allow("));
        assert!(allows.is_none(), "{}: {allows:?}", source.path);
    }
}

#[test]
fn nothing_panics_on_purpose_outside_of_tests() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        panics(&without_tests(&source.tokens()), &source.path, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_say_what_a_thing_is() {
    let mut wrong = BTreeSet::new();
    for source in sources("src").into_iter().chain(sources("simulator/src")) {
        let mut names = source.module.clone();
        declared(&source.tokens(), &mut names);
        for name in names {
            if words(&name).iter().any(|word| NOT_OUR_WORDS.contains(&word.as_str())) {
                wrong.insert(format!("{}: {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(words("OrderManagerHTTP_utils"), ["order", "manager", "http", "utils"]);
}

#[test]
fn the_tour_of_the_library_passes_every_room() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).expect("lib.rs");
    let tour: String = lib.lines().filter(|line| line.starts_with("//!")).collect();
    let missed: Vec<String> =
        rooms().into_iter().filter(|room| !tour.contains(&format!("[`{room}`]"))).collect();
    assert!(missed.is_empty(), "lib.rs does not introduce {missed:?}");
}

/// The tests that a text names: `module::a_test`, `a_test_of_the_model`, and `mutant`s.
fn named_in_ticks(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_test_that_shows_a_guarantee_exists() {
    let mut known = BTreeSet::new();
    for folder in ["src", "tests"] {
        for source in sources(folder) {
            for line in source.text.lines().map(str::trim_start) {
                if let Some(rest) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn ")) {
                    known.insert(rest.split(['(', '<']).next().unwrap_or_default().to_owned());
                }
            }
        }
    }
    let mutants: BTreeSet<String> = std::fs::read_dir(root().join("tests/mutants"))
        .expect("the mutants")
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".patch")?.to_owned()))
        .collect();
    let table = std::fs::read_to_string(root().join("docs/guarantees.md")).expect("docs/guarantees.md");
    let (mut shown, mut missing) = (BTreeSet::new(), BTreeSet::new());
    for row in table.lines().filter(|line| line.starts_with('|')) {
        for name in named_in_ticks(row.trim_end_matches('|').rsplit('|').next().unwrap_or_default()) {
            let is_cell = name.chars().next().is_some_and(char::is_uppercase);
            let test = name.rsplit("::").next().unwrap_or_default();
            if name.starts_with("./") || is_cell || known.contains(test) || mutants.contains(&name) {
                shown.insert(name);
            } else {
                missing.insert(name);
            }
        }
    }
    let saga = std::fs::read_to_string(root().join("src/saga/mod.rs")).expect("the saga");
    let top = saga.split("Reading order").next().unwrap_or_default();
    for name in named_in_ticks(top).iter().filter(|name| name.contains("::")) {
        if !shown.contains(name) {
            missing.insert(format!("{name} (of src/saga/mod.rs)"));
        }
    }
    for number in 1..=9 {
        assert!(table.contains(&format!("| **{number}**")), "guarantee {number} is not in the table");
        assert!(top.contains(&format!("//! {number}. ")), "guarantee {number} is not in src/saga/mod.rs");
    }
    for mutant in &mutants {
        if !shown.contains(mutant) {
            missing.insert(format!("mutant {mutant} is not in the table"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(shown.len() > 40, "only {} names were read", shown.len());
}

/// `Debug` of a database's error quotes the row that was refused; `Display` of ours says which constraint it was.
#[test]
fn no_error_is_logged_by_its_debug_form() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        for (number, line) in source.text.lines().enumerate() {
            if ["?error", "error = ?", "?cause", "cause = ?"].iter().any(|form| line.contains(form)) {
                wrong.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
