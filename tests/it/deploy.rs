//! The deployment files say only what is true: every path, variable, binary, subcommand, port and health check that they name exists.

use std::{collections::BTreeSet, fs, path::Path};

use headless_checkout::config::{Config, SETTINGS, as_markdown, setting};
use serde_yaml_ng::Value;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
}

fn compose() -> Value {
    let mut compose: Value =
        serde_yaml_ng::from_str(&read("docker-compose.yml")).expect("docker-compose.yml is YAML");
    // What is merged merges something itself.
    for _ in 0..2 {
        compose.apply_merge().expect("what is merged exists");
    }
    compose
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_sequence().into_iter().flatten();
    list.map(|item| item.as_str().expect("a text").to_owned()).collect()
}

fn environment(unit: &Value) -> Vec<(String, String)> {
    let entries = unit["environment"].as_mapping().into_iter().flatten();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    entries.map(|(name, value)| (text(name), text(value))).collect()
}

/// What compose makes of a text with `${NAME:-default}` when nothing is set; a default may hold further ones.
fn unset(value: &str) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let mut depth = 1;
    let end = rest.char_indices().find_map(|(at, char)| {
        depth += i32::from(char == '{') - i32::from(char == '}');
        (depth == 0).then_some(at)
    });
    let (inner, after) = rest.split_at(end.expect("a variable ends"));
    let default = inner.split_once(":-").expect("every variable has a default").1;
    format!("{before}{}{}", unset(default), unset(&after[1..]))
}

/// The instructions of the Dockerfile, continuation lines joined.
fn instructions() -> Vec<(String, String)> {
    let joined = read("Dockerfile").replace("\\\n", " ");
    let lines = joined.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| line.split_once(' ').expect("an instruction and its arguments"))
        .map(|(name, rest)| (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

fn arguments_of(name: &str) -> Vec<String> {
    let found = instructions().into_iter().filter(|(instruction, _)| instruction == name);
    found.map(|(_, rest)| rest).collect()
}

fn exec_form(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{text} is no exec form"))
}

/// The instructions of one stage of the Dockerfile.
fn of_stage(stage: &str) -> Vec<(String, String)> {
    let begins = |(name, rest): &(String, String)| name == "FROM" && rest.ends_with(&format!(" AS {stage}"));
    let all = instructions();
    let first = all.iter().position(begins).unwrap_or_else(|| panic!("no stage {stage}")) + 1;
    all.into_iter().skip(first).take_while(|(name, _)| name != "FROM").collect()
}

/// The arguments of the one instruction of that name in a stage.
fn argument(stage: &str, name: &str) -> String {
    let found = of_stage(stage).into_iter().find(|(instruction, _)| instruction == name);
    found.unwrap_or_else(|| panic!("{stage} has no {name}")).1
}

/// The binaries of an image, by the path they are copied to.
fn binaries(stage: &str) -> BTreeSet<String> {
    let copied = of_stage(stage).into_iter().filter(|(name, _)| name == "COPY").filter_map(|(_, rest)| {
        let (from, to) = rest.strip_prefix("--from=build ")?.split_once(' ')?;
        assert_eq!(from.rsplit('/').next(), to.rsplit('/').next());
        Some(to.strip_prefix("/usr/local/bin/").expect("on the PATH").to_owned())
    });
    copied.collect()
}

/// Whether the program and its arguments are a command line that this version accepts.
fn assert_runs(stage: &str, command: &[String]) {
    let (program, rest) = command.split_first().expect("a program");
    // A health check of an image without a program of its own for it.
    if program == "bash" {
        return;
    }
    assert!(binaries(stage).contains(program), "{program} is not in the image {stage}");
    if program == "headless-checkout" {
        let parsed = headless_checkout::cli::command().try_get_matches_from(command);
        assert!(parsed.is_ok(), "{command:?}: {}", parsed.err().map(|e| e.to_string()).unwrap_or_default());
    } else if program == "dev" {
        let parsed = <devtools::Arguments as clap::Parser>::try_parse_from(command);
        assert!(parsed.is_ok(), "{command:?}: {}", parsed.err().map(|e| e.to_string()).unwrap_or_default());
    } else {
        assert!(rest.is_empty(), "{program} takes no arguments in the image");
    }
}

#[test]
fn each_image_holds_its_own_program_and_nothing_else() {
    assert_eq!(binaries("service").into_iter().collect::<Vec<_>>(), ["headless-checkout"]);
    assert_eq!(binaries("simulator").into_iter().collect::<Vec<_>>(), ["bigcommerce-simulator"]);
    assert_eq!(binaries("shop").into_iter().collect::<Vec<_>>(), ["dev"]);
    let last = arguments_of("FROM").pop().expect("a stage");
    assert!(last.ends_with(" AS service"), "what is built unless a target is named");
    let builds = arguments_of("RUN").into_iter().filter(|run| run.starts_with("cargo build"));
    let wanted = ["headless-checkout", "bigcommerce-simulator", "devtools"]
        .map(|name| format!("cargo build --release --locked --package {name} --bins"));
    assert_eq!(builds.collect::<Vec<_>>(), [wanted.clone(), wanted].concat(), "dependencies, then sources");
}

#[test]
fn every_path_that_the_image_copies_exists_and_reaches_the_engine() {
    let sent = read(".dockerignore");
    for rest in arguments_of("COPY").iter().filter(|rest| !rest.starts_with("--from")) {
        let mut paths: Vec<&str> = rest.split(' ').collect();
        paths.pop();
        for path in paths {
            assert!(exists(path), "{path} does not exist");
            let top = path.split('/').next().unwrap_or(path);
            assert!(sent.lines().any(|line| line == format!("!{top}")), "{top} is kept from the engine");
        }
    }
}

#[test]
fn every_folder_that_the_sources_embed_is_copied_into_the_image() {
    let copied = arguments_of("COPY").join(" ");
    for folder in ["migrations", ".sqlx", "src", "simulator", "templates", "assets", "build.rs"] {
        if exists(folder) {
            assert!(copied.split(' ').any(|path| path == folder), "{folder} is not copied into the image");
        }
    }
}

#[test]
fn the_image_runs_as_nobody_in_particular_and_can_be_reached() {
    assert_ne!(argument("base", "USER").parse::<u32>().expect("a number, which Kubernetes can check"), 0);
    let command =
        [exec_form(&argument("service", "ENTRYPOINT")), exec_form(&argument("service", "CMD"))].concat();
    assert_runs("service", &command);
    assert_runs("simulator", &exec_form(&argument("simulator", "ENTRYPOINT")));
    assert_runs(
        "shop",
        &[exec_form(&argument("shop", "ENTRYPOINT")), exec_form(&argument("shop", "CMD"))].concat(),
    );
    for (stage, variable) in
        [("service", "LISTEN_ADDR"), ("simulator", "SIMULATOR_ADDR"), ("shop", "SHOP_ADDR")]
    {
        assert_runs(
            stage,
            &exec_form(argument(stage, "HEALTHCHECK").split_once("CMD ").expect("a command").1),
        );
        let port = argument(stage, "EXPOSE");
        let variables: Vec<_> =
            of_stage(stage).into_iter().filter(|(name, _)| name == "ENV").map(|(_, rest)| rest).collect();
        assert!(variables.contains(&format!("{variable}=0.0.0.0:{port}")), "the listener is reachable");
    }
}

/// Images that are used as they come.
const FOREIGN: [&str; 2] = ["postgres:17", "haproxy:3.0"];

#[test]
fn every_unit_of_the_compose_file_runs_a_command_that_exists() {
    let compose = compose();
    for (name, unit) in compose["services"].as_mapping().expect("units") {
        let name = name.as_str().expect("a name");
        assert_eq!(texts(&unit["security_opt"]), ["no-new-privileges:true"], "{name}");
        if FOREIGN.contains(&unit["image"].as_str().expect("an image")) {
            continue;
        }
        assert!(
            unit["read_only"].as_bool() == Some(true) && texts(&unit["cap_drop"]) == ["ALL"],
            "{name} is hardened"
        );
        let stage = unit["build"]["target"].as_str().expect("a target");
        let mut command = exec_form(&argument(stage, "ENTRYPOINT"));
        command.extend(texts(&unit["command"]));
        assert_runs(stage, &command);
        let check = texts(&unit["healthcheck"]["test"]);
        match check.split_first() {
            Some((form, check)) => {
                assert_eq!(form, "CMD", "{name}");
                assert_runs(stage, check);
            }
            // A command that ends has no health.
            None => assert_eq!(unit["healthcheck"]["disable"].as_bool(), Some(true), "{name}"),
        }
    }
}

#[test]
fn every_unit_waits_for_what_it_needs() {
    let compose = compose();
    let units = &compose["services"];
    for (name, unit) in units.as_mapping().expect("units") {
        for (needed, how) in unit["depends_on"].as_mapping().into_iter().flatten() {
            let other = &units[needed.as_str().expect("a name")];
            assert!(other.is_mapping(), "{name:?} waits for {needed:?}, which does not exist");
            let condition = how["condition"].as_str().expect("a condition");
            let checked = other["healthcheck"]["test"].is_sequence();
            assert_eq!(
                condition == "service_healthy",
                checked,
                "{name:?} waits for {needed:?} in the wrong way"
            );
        }
    }
    assert!(units["headless-checkout"]["depends_on"]["migrate"].is_mapping(), "no request before the schema");
}

#[test]
fn ports_are_published_on_loopback_only_and_lead_to_a_listener() {
    let compose = compose();
    let units = &compose["services"];
    for (unit, variable) in
        [("headless-checkout", "LISTEN_ADDR"), ("simulator", "SIMULATOR_ADDR"), ("shop", "SHOP_ADDR")]
    {
        let (_, listens) = environment(&units[unit])
            .into_iter()
            .find(|(name, _)| name == variable)
            .expect("the address is set");
        let port = listens.strip_prefix("0.0.0.0:").expect("reachable from outside the container");
        let published = texts(&units[unit]["ports"]).iter().map(|port| unset(port)).collect::<Vec<_>>();
        assert_eq!(published, [format!("127.0.0.1:{port}:{port}")], "{unit}");
        for url in
            texts(&units[unit]["healthcheck"]["test"]).iter().filter(|word| word.starts_with("http://"))
        {
            assert!(url.starts_with(&format!("http://127.0.0.1:{port}/")), "{unit} asks {url}");
        }
    }
    for (_, unit) in units.as_mapping().expect("units") {
        for volume in texts(&unit["volumes"]) {
            let name = volume.split(':').next().unwrap_or_default();
            assert!(exists(name) || compose["volumes"].get(name).is_some(), "{name}");
        }
    }
}

#[test]
fn the_compose_file_passes_every_setting_on_under_its_own_name() {
    let compose = compose();
    let replica = environment(&compose["services"]["replica"]);
    let unit = environment(&compose["services"]["headless-checkout"]);
    let names: BTreeSet<&str> = unit.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, SETTINGS.iter().map(|setting| setting.name).collect(), "all settings and nothing else");
    for (name, value) in &unit {
        if name == "LISTEN_ADDR" {
            continue;
        }
        assert!(value.starts_with(&format!("${{{name}:-")), "{name} comes from the variable of that name");
    }
    assert_eq!(
        replica.iter().map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>(),
        names,
        "a replica is the same"
    );
    for (name, _) in environment(&compose["services"]["migrate"]) {
        assert!(setting(&name).is_some(), "{name} is no setting");
    }
}

#[test]
fn the_compose_file_starts_without_any_variable_set() {
    let unit = environment(&compose()["services"]["headless-checkout"]);
    let get = |asked: &str| unit.iter().find(|(name, _)| name == asked).map(|(_, value)| unset(value));
    let config =
        Config::from_vars(get).map_err(|errors| errors.to_string()).expect("the defaults of the file");
    assert_eq!(
        config.stores[0].api_url, "http://simulator:4200",
        "the name and the port of the simulator's unit"
    );
    assert!(config.allow_raw_cards, "the README's first checkout pays with a card");
}

#[test]
fn the_example_environment_starts() {
    let example = read(".env.example");
    let get = |asked: &str| {
        let mut lines = example.lines().filter(|line| !line.starts_with('#'));
        lines
            .find_map(|line| line.split_once('=').filter(|(name, _)| *name == asked))
            .map(|(_, value)| value.to_owned())
    };
    // With the simulator, as the compose file says; never with BigCommerce, because its keys and tokens are published.
    let simulated = |asked: &str| {
        if asked.ends_with("S_URL") || asked.ends_with("API_URL") {
            Some("http://simulator:4200".to_owned())
        } else {
            get(asked)
        }
    };
    Config::from_vars(simulated).map_err(|errors| errors.to_string()).expect("the example as it stands");
    let refused = Config::from_vars(get).err().map(|errors| errors.to_string()).unwrap_or_default();
    assert_eq!(refused.matches("is published in the repository").count(), 5, "{refused}");
}

#[test]
fn the_documents_show_the_settings_as_the_program_knows_them() {
    // The rows come from `headless-checkout settings --markdown`.
    let file = "docs/configuration.md";
    if exists(file) {
        assert!(read(file).contains(&as_markdown()), "refresh the table of settings in {file}");
    }
}
