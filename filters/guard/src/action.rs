//! What a call may do: the labels of this crate.

/// One thing that a call may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Action {
    DeleteFiles,
    DeleteDatabase,
    DeleteInfrastructure,
    DeleteRepository,
    DeleteBackup,
    DeleteResource,
    DeleteNamed,
    WriteSystem,
    WriteDatabase,
    ExecuteRemote,
    ExecuteHidden,
    ExecutePrivileged,
    Egress,
    Permission,
    Stop,
    Unparsed,
}

/// Every action with its label and what it is, in the order of the labels.
const ALL: &[(Action, &str, &str)] = &[
    (
        Action::DeleteBackup,
        "action.delete.backup",
        "Backups, snapshots or their keys are deleted",
    ),
    (
        Action::DeleteDatabase,
        "action.delete.database",
        "Tables, rows, keys or whole databases are deleted, or rewritten without a condition",
    ),
    (
        Action::DeleteFiles,
        "action.delete.files",
        "Files, folders or disks are deleted or overwritten; 0.4 for build and temporary places, 0.5 for single files",
    ),
    (
        Action::DeleteInfrastructure,
        "action.delete.infrastructure",
        "Servers, clusters, volumes, buckets, projects or deployments are deleted",
    ),
    (
        Action::DeleteNamed,
        "action.delete.named",
        "A tool whose own name says that it deletes",
    ),
    (
        Action::DeleteRepository,
        "action.delete.repository",
        "Commits, branches, uncommitted work, releases or whole repositories are lost",
    ),
    (
        Action::DeleteResource,
        "action.delete.resource",
        "An HTTP DELETE, or a GraphQL mutation that deletes",
    ),
    (
        Action::Egress,
        "action.egress",
        "Files or data leave; 0.9 where they look like credentials or a dump",
    ),
    (
        Action::ExecuteHidden,
        "action.execute.hidden",
        "Code is run that was decoded or put together, and cannot be seen",
    ),
    (
        Action::ExecutePrivileged,
        "action.execute.privileged",
        "Something is run as another user, such as root",
    ),
    (
        Action::ExecuteRemote,
        "action.execute.remote",
        "Code is fetched from the network and run, or a shell is handed out",
    ),
    (
        Action::Permission,
        "action.permission",
        "Rights are given, taken or widened",
    ),
    (
        Action::Stop,
        "action.stop",
        "A machine, a service or all of its processes are stopped",
    ),
    (
        Action::Unparsed,
        "action.unparsed",
        "An argument that is meant to be run could not be read; not harmless",
    ),
    (
        Action::WriteDatabase,
        "action.write.database",
        "Rows or tables are changed",
    ),
    (
        Action::WriteSystem,
        "action.write.system",
        "System files, disks, accounts or the rights of whole trees are changed",
    ),
];

impl Action {
    /// The label that policies name.
    pub(crate) fn label(self) -> &'static str {
        ALL.iter()
            .find(|(action, ..)| *action == self)
            .map_or("action.unparsed", |(_, label, _)| label)
    }

    /// The action that `action.<word>` names.
    pub(crate) fn named(word: &str) -> Option<Action> {
        ALL.iter()
            .find(|(_, label, _)| label.strip_prefix("action.") == Some(word))
            .map(|(action, ..)| *action)
    }
}

/// Every label of this crate with what it is, sorted.
pub fn labels() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().map(|(_, label, meaning)| (*label, *meaning))
}
