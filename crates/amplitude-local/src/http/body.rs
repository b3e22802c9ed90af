//! Reading a request body: content type, compression and size. Also the sender's address.

use std::{error::Error, io::Read, net::IpAddr};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, header},
};
use flate2::read::MultiGzDecoder;
use http_body_util::LengthLimitError;

use crate::response::AmplitudeResponse;

/// The client's address: the first address of `X-Forwarded-For` if the sender is on this machine, else the sender's.
pub(super) fn remote_ip(peer: Option<IpAddr>, headers: &HeaderMap) -> String {
    let peer = peer.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let forwarded = headers
        .get("x-forwarded-for")
        .and_then(|list| list.to_str().ok())
        .and_then(|list| list.split(',').next())
        .and_then(|first| first.trim().parse::<IpAddr>().ok());
    forwarded
        .filter(|_| peer.is_loopback())
        .unwrap_or(peer)
        .to_string()
}

/// Whether the content type is JSON. `text/plain` counts as JSON because browsers send beacons with it; so does a missing
/// content type.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let media_type = content_type
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    ["application/json", "text/plain"]
        .iter()
        .any(|accepted| accepted.eq_ignore_ascii_case(media_type))
}

/// Reads the body and decompresses gzip.
///
/// Fails when it has more than `max_bytes` before or after decompression (413), or did not arrive whole, is not valid gzip, or
/// has another encoding (400).
pub(super) async fn read(
    body: Body,
    headers: &HeaderMap,
    max_bytes: usize,
) -> Result<Bytes, AmplitudeResponse> {
    let body = to_bytes(body, max_bytes)
        .await
        .map_err(|error| match error.source() {
            Some(cause) if cause.is::<LengthLimitError>() => AmplitudeResponse::too_large(),
            _ => AmplitudeResponse::invalid("Invalid JSON request body"),
        })?;
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip") => gunzip(&body, max_bytes),
        Some(_) => Err(AmplitudeResponse::invalid("Invalid JSON request body")),
    }
}

fn gunzip(body: &[u8], max_bytes: usize) -> Result<Bytes, AmplitudeResponse> {
    let mut decompressed = Vec::new();
    let read = MultiGzDecoder::new(body)
        .take(max_bytes as u64 + 1)
        .read_to_end(&mut decompressed);
    match read {
        Ok(bytes) if bytes > max_bytes => Err(AmplitudeResponse::too_large()),
        Ok(_) => Ok(decompressed.into()),
        Err(_) => Err(AmplitudeResponse::invalid("Invalid JSON request body")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_address_counts_only_from_this_machine() {
        let headers = |list: &'static str| {
            HeaderMap::from_iter([(
                header::HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_static(list),
            )])
        };
        let loopback = Some(IpAddr::from([127, 0, 0, 1]));
        assert_eq!(remote_ip(loopback, &HeaderMap::new()), "127.0.0.1");
        assert_eq!(
            remote_ip(loopback, &headers("203.0.113.7, 10.0.0.1")),
            "203.0.113.7"
        );
        assert_eq!(remote_ip(loopback, &headers("2001:db8::1")), "2001:db8::1");
        assert_eq!(remote_ip(loopback, &headers("unknown")), "127.0.0.1");
        assert_eq!(
            remote_ip(Some(IpAddr::from([192, 0, 2, 1])), &headers("203.0.113.7")),
            "192.0.2.1"
        );
        assert_eq!(remote_ip(None, &HeaderMap::new()), "127.0.0.1");
    }

    #[test]
    fn json_and_beacon_content_types_are_accepted() {
        let is_json_type = |media_type: &'static str| {
            is_json(&HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                HeaderValue::from_static(media_type),
            )]))
        };
        assert!(is_json(&HeaderMap::new()));
        assert!(is_json_type("application/json"));
        assert!(is_json_type("Application/JSON; charset=utf-8"));
        assert!(is_json_type("text/plain;charset=UTF-8"));
        assert!(!is_json_type("application/x-www-form-urlencoded"));
    }
}
