//! The key that signs cookies: the configured one, or one that is generated once and kept in the data folder.

use std::io::Write;
use std::path::Path;

use backend::config::ProtectionConfig;
use backend::ids;
use secrecy::ExposeSecret;

use crate::request::signing::CookieKey;

/// The file of the generated key.
const FILE: &str = "cookie.key";

/// Returns the key. Fails if the file cannot be read or written.
pub(super) fn cookie_key(config: &ProtectionConfig, data_dir: &Path) -> Result<CookieKey, std::io::Error> {
    if let Some(key) = &config.cookie_key {
        return Ok(CookieKey::new(key.expose_secret()));
    }
    let path = data_dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(key) if key.trim().len() >= 32 => return Ok(CookieKey::new(key.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let key = ids::secret();
    std::fs::create_dir_all(data_dir)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(key.as_bytes())?;
    Ok(CookieKey::new(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_stays() {
        let folder = tempfile::tempdir().unwrap();
        let config = ProtectionConfig {
            cookie_key: None,
            limit_factor: 1,
        };
        let data = folder.path().join("data");
        let signed = cookie_key(&config, &data).unwrap().sign("device", "d");
        let again = cookie_key(&config, &data).unwrap();
        assert_eq!(again.verify("device", &signed), Some("d"));
    }
}
