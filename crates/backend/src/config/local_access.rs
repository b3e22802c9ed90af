//! `SEAMLINE_LOCAL`: whether a release build may use stand-ins, and which requests an app on this machine accepts.

use super::error::{ConfigError, malformed};

/// Which requests an app with a stand-in, or with a loopback URL, accepts. With a stand-in every visitor is an operator. Behind a
/// proxy, all visitors of a loopback URL would have one address, and cookies without `Secure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalAccess {
    /// Requests for a loopback host name that no proxy forwarded.
    ThisMachine,
    /// All requests, for a development machine that is reached through a tunnel or a proxy.
    Remote,
}

/// `None` for a site with an https URL and no stand-in. Fails for an unknown value, and in a release build that has a stand-in and no value.
pub(super) fn read(
    get: &impl Fn(&str) -> Option<String>,
    uses_stand_in: bool,
    has_loopback_url: bool,
    is_release: bool,
) -> Result<Option<LocalAccess>, ConfigError> {
    let access = match get("SEAMLINE_LOCAL").as_deref() {
        Some("1") => LocalAccess::ThisMachine,
        Some("remote") => LocalAccess::Remote,
        Some(_) => return Err(malformed("SEAMLINE_LOCAL", "`1` or `remote`")),
        None if uses_stand_in && is_release => return Err(ConfigError::LocalModeNotChosen),
        None => LocalAccess::ThisMachine,
    };
    Ok((uses_stand_in || has_loopback_url).then_some(access))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_build_uses_a_stand_in_only_if_it_is_chosen() {
        use LocalAccess::{Remote, ThisMachine};
        let (release, development, stand_in, keys) = (true, false, true, false);
        let unknown = malformed("SEAMLINE_LOCAL", "`1` or `remote`");
        for (value, services, build, expected) in [
            (None, stand_in, development, Ok(Some(ThisMachine))),
            (None, stand_in, release, Err(ConfigError::LocalModeNotChosen)),
            (None, keys, release, Ok(None)),
            (Some("1"), stand_in, release, Ok(Some(ThisMachine))),
            (Some("1"), keys, release, Ok(None)),
            (Some("remote"), stand_in, development, Ok(Some(Remote))),
            (Some("remote"), stand_in, release, Ok(Some(Remote))),
            (Some("yes"), keys, release, Err(unknown)),
        ] {
            let read = read(&|_| value.map(str::to_owned), services, false, build);
            assert_eq!(read, expected, "{value:?} {services} {build}");
        }
        let keys_on_loopback = read(&|_| None, keys, true, release);
        assert_eq!(
            keys_on_loopback,
            Ok(Some(ThisMachine)),
            "a forgotten PUBLIC_URL behind a proxy"
        );
    }
}
