//! Exit codes: those of `sysexits.h`, 1 for findings and 2 for a wrong command line.

use std::process::ExitCode;

/// How a command ended, as scripts and service managers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All is well.
    Ok = 0,
    /// The command did its work and found something wrong.
    Findings = 1,
    /// The command line contradicts itself; the parser ends with the same code.
    Usage = 2,
    /// A file that was handed in holds what cannot be read.
    DataErr = 65,
    /// A file that was handed in is not there.
    NoInput = 66,
    /// Something that is needed is away: the database, the broker, a port.
    Unavailable = 69,
    /// Our own fault.
    Software = 70,
    /// What was found could not be written down (`EX_IOERR`).
    Output = 74,
    /// The configuration is wrong.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
