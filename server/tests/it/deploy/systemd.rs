//! The units.

use std::process::Command;

use super::{program, read, replaced, run};

#[test]
fn systemd_accepts_the_units() {
    let Some(analyze) = program("systemd-analyze") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for unit in [
        "seamline.service",
        "seamline-backup.service",
        "seamline-backup.timer",
    ] {
        let mut text = read(unit);
        if unit.ends_with(".service") {
            let installed = [("/opt/seamline/current/seamline", env!("CARGO_BIN_EXE_seamline"))];
            text = replaced(&text, &installed);
        }
        std::fs::write(folder.path().join(unit), text).unwrap();
    }
    for unit in ["seamline.service", "seamline-backup.timer"] {
        let verified = run(Command::new(&analyze)
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(folder.path().join(unit)));
        assert_eq!(verified, Ok(()), "{unit}");
    }
}

#[test]
fn the_service_is_hardened() {
    let Some(analyze) = program("systemd-analyze") else {
        return;
    };
    // From 0, closed, to 100, open.
    let output = Command::new(analyze)
        .args([
            "security",
            "--offline=true",
            "--threshold=20",
            "--no-pager",
            "../deploy/seamline.service",
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
