//! Finds the binaries of PostgreSQL on this machine. It only looks; nothing is installed here.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;

use crate::environment;

/// The oldest PostgreSQL that is used.
const MIN_MAJOR: u32 = 14;

/// A folder with `postgres` and `initdb` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Where they are.
    pub folder: PathBuf,
    /// Their major version.
    pub major: u32,
}

/// The first usable binaries, or those of one major version when data of that version exists.
pub fn find(major: Option<u32>) -> anyhow::Result<Binaries> {
    let path = environment("PATH").unwrap_or_default();
    let places = candidates(&path, Path::new("/"));
    let mut found =
        places.into_iter().filter_map(|folder| Some(Binaries { major: version(&folder)?, folder }));
    found.find(|binaries| major.map_or(binaries.major >= MIN_MAJOR, |major| binaries.major == major)).with_context(
        || match major {
            Some(major) => format!(
                "the data of this folder was made by PostgreSQL {major}, which is not installed any more: \
                 install it, or start over with --reset"
            ),
            None => format!(
                "PostgreSQL {MIN_MAJOR} or newer is not installed (looked in PATH, /usr/lib/postgresql and Homebrew).\n\
                 Debian, Ubuntu: sudo apt-get install postgresql     macOS: brew install postgresql@17\n\
                 or set DATABASE_URL to a database you have"
            ),
        },
    )
}

/// Every folder that has both programs: those of `PATH`, then versioned installations, newest first.
fn candidates(path: &str, root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    let prefix = |folder: &str| root.join(folder.trim_start_matches('/'));
    let homebrews = ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"];
    for parent in ["/usr/lib/postgresql", "/usr/local/lib/postgresql"].iter().chain(&homebrews) {
        folders.extend(versions(&prefix(parent)));
    }
    folders.extend(["/usr/pgsql/bin", "/usr/local/pgsql/bin"].map(prefix));
    let mut found = Vec::new();
    for folder in folders {
        // A link in /usr/local/bin is followed, so that initdb finds its neighbors.
        let real = folder.join("postgres").canonicalize().ok();
        let real = real.as_deref().and_then(Path::parent).unwrap_or(&folder).to_owned();
        if real.join("postgres").is_file() && real.join("initdb").is_file() && !found.contains(&real) {
            found.push(real);
        }
    }
    found
}

/// The `bin` folders of `15`, `postgresql@15` and the like, newest first.
fn versions(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let mut numbered: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.strip_prefix("postgresql@").unwrap_or(&name);
            Some((number.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    numbered.sort_by(|one, other| other.cmp(one));
    numbered.into_iter().map(|(_, folder)| folder).collect()
}

/// The major version that `postgres --version` tells, when it runs at all.
fn version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn install(folder: &Path) {
        fs::create_dir_all(folder).expect("a folder");
        for program in ["postgres", "initdb"] {
            fs::write(folder.join(program), "").expect("a program");
        }
    }

    #[test]
    fn path_comes_first_then_the_newest_installation() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path().canonicalize().expect("a folder");
        for version in ["9", "15", "17"] {
            install(&root.join("usr/lib/postgresql").join(version).join("bin"));
        }
        install(&root.join("opt/homebrew/opt/postgresql@18/bin"));
        install(&root.join("my tools"));
        fs::create_dir_all(root.join("usr/lib/postgresql/16/bin")).expect("a folder without programs");
        let path = format!("relative:/nowhere:{}", root.join("my tools").display());
        let found = candidates(&path, &root);
        let names: Vec<_> = found.iter().filter_map(|path| path.strip_prefix(&root).ok()?.to_str()).collect();
        assert_eq!(
            names,
            [
                "my tools",
                "usr/lib/postgresql/17/bin",
                "usr/lib/postgresql/15/bin",
                "usr/lib/postgresql/9/bin",
                "opt/homebrew/opt/postgresql@18/bin",
            ]
        );
    }

    #[test]
    fn a_link_leads_to_the_installation_and_counts_once() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path().canonicalize().expect("a folder");
        let real = root.join("usr/lib/postgresql/15/bin");
        install(&real);
        let links = root.join("bin");
        fs::create_dir(&links).expect("a folder");
        std::os::unix::fs::symlink(real.join("postgres"), links.join("postgres")).expect("a link");
        assert_eq!(candidates(&links.display().to_string(), &root), [real]);
    }

    #[test]
    fn versions_are_read_from_what_the_program_says() {
        let table = [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("something else", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_version(text), expected, "{text}");
        }
    }
}
