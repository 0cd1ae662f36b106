//! Libraries that come with the engine: `import data.sallyport.lib.guard` and no file to copy.

use crate::source::{PolicyFile, PolicySource};
use std::sync::LazyLock;

/// Paths of libraries that come with the engine begin so; no file on disk does.
const BUILT_IN: &str = "(sallyport)/";

/// A library that comes with the engine.
struct Library {
    /// Its package, as policies name it.
    package: &'static str,
    file: PolicyFile,
}

static LIBRARIES: LazyLock<Vec<Library>> = LazyLock::new(|| {
    vec![Library {
        package: "sallyport.lib.guard",
        file: PolicyFile {
            path: format!("{BUILT_IN}guard.rego"),
            text: include_str!("../rego/guard.rego").into(),
        },
    }]
});

/// The libraries that a source names and does not bring itself. Others would cost those who do not use them:
/// what any library reads of a body is put together for everyone.
pub(crate) fn named(source: &PolicySource) -> impl Iterator<Item = &PolicyFile> {
    let wanted = |library: &&Library| {
        let declares = format!("package {}", library.package);
        let names = source
            .files
            .iter()
            .any(|file| file.text.contains(library.package));
        let brings = source.files.iter().any(|file| {
            let own = |line: &str| {
                line.split('#')
                    .next()
                    .is_some_and(|line| line.trim() == declares)
            };
            file.text.lines().any(own)
        });
        names && !brings
    };
    LIBRARIES.iter().filter(wanted).map(|library| &library.file)
}

/// Whether a path is that of a library that comes with the engine.
pub(crate) fn is_built_in(path: &str) -> bool {
    path.starts_with(BUILT_IN)
}
