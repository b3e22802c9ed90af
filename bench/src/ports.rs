//! Ports for programs that go away and come back.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Below what systems hand out by themselves: while a program is down, a connection to its port must be refused, and
/// not meet a socket of somebody who was given that port meanwhile.
const FROM: u16 = 20_000;
const TO: u16 = 32_000;

/// A loopback address that is free now.
///
/// # Errors
/// When none of many ports could be bound.
pub fn free() -> io::Result<SocketAddr> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..100 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(FROM..TO)));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}
