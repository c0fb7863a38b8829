import { INTERNET, rows, TCP, UDP } from './option.js';
import { FLAG, INT, IPV4_INTERFACE, IPV6_INTERFACE } from './value-types.js';

const IPPROTO_IP = { name: 'IPPROTO_IP', number: 0, manPage: 'ip(7)' };
const IPPROTO_IPV6 = { name: 'IPPROTO_IPV6', number: 41, manPage: 'ipv6(7)' };

/** linux/in.h. */
export const IPV4_LEVEL = rows(IPPROTO_IP, [
  {
    name: 'IP_TTL',
    number: 2,
    type: INT,
    unit: 'hops',
    protocols: INTERNET,
    does: 'time to live of what is sent, 1 to 255; -1: the default of the host',
  },
  {
    name: 'IP_TOS',
    number: 1,
    type: INT,
    protocols: INTERNET,
    does: 'type of service: the DSCP in the upper 6 bits; TCP keeps the lower 2 (ECN) for itself',
  },
  {
    name: 'IP_MTU_DISCOVER',
    number: 10,
    type: INT,
    protocols: INTERNET,
    does: 'path MTU discovery: 0 never, 1 per route, 2 always, 3 always and ignore what is known',
  },
  {
    name: 'IP_MTU',
    number: 14,
    type: INT,
    unit: 'bytes',
    settable: 'never',
    protocols: INTERNET,
    does: 'what is known of the path MTU; ENOTCONN while the socket is not connected',
  },
  {
    name: 'IP_FREEBIND',
    number: 15,
    type: FLAG,
    settable: 'before-bind',
    protocols: INTERNET,
    does: 'binds an address that the host does not have yet',
  },
  {
    name: 'IP_BIND_ADDRESS_NO_PORT',
    number: 24,
    type: FLAG,
    settable: 'before-bind',
    protocols: TCP,
    does: 'a client that binds an address with port 0 gets its port when it connects, and ports are shared',
  },
  {
    name: 'IP_MULTICAST_TTL',
    number: 33,
    type: INT,
    unit: 'hops',
    protocols: UDP,
    does: 'time to live of multicast datagrams; 1 stays on the network, -1: the default',
  },
  {
    name: 'IP_MULTICAST_LOOP',
    number: 34,
    type: FLAG,
    protocols: UDP,
    does: 'multicast datagrams that are sent come back to members on this host',
  },
  {
    name: 'IP_MULTICAST_IF',
    number: 32,
    type: IPV4_INTERFACE,
    protocols: UDP,
    does: 'the interface that multicast datagrams leave by, set by address or name, read as the address',
  },
  {
    name: 'IP_MULTICAST_ALL',
    number: 49,
    type: FLAG,
    protocols: UDP,
    does: 'receives for every group that some socket of the host has joined, not for its own only',
  },
]);

/** linux/in6.h. */
export const IPV6_LEVEL = rows(IPPROTO_IPV6, [
  {
    name: 'IPV6_V6ONLY',
    number: 26,
    type: FLAG,
    settable: 'before-bind',
    protocols: INTERNET,
    does: 'takes no IPv4 connections or datagrams',
  },
  {
    name: 'IPV6_UNICAST_HOPS',
    number: 16,
    type: INT,
    unit: 'hops',
    protocols: INTERNET,
    does: 'hop limit of what is sent, 0 to 255; -1: the default of the host',
  },
  {
    name: 'IPV6_TCLASS',
    number: 67,
    type: INT,
    protocols: INTERNET,
    does: 'traffic class: the DSCP in the upper 6 bits; -1: the default',
  },
  {
    name: 'IPV6_MTU_DISCOVER',
    number: 23,
    type: INT,
    protocols: INTERNET,
    does: 'as IP_MTU_DISCOVER',
  },
  {
    name: 'IPV6_MULTICAST_HOPS',
    number: 18,
    type: INT,
    unit: 'hops',
    protocols: UDP,
    does: 'hop limit of multicast datagrams; 1 stays on the network, -1: the default',
  },
  {
    name: 'IPV6_MULTICAST_LOOP',
    number: 19,
    type: FLAG,
    protocols: UDP,
    does: 'as IP_MULTICAST_LOOP',
  },
  {
    name: 'IPV6_MULTICAST_IF',
    number: 17,
    type: IPV6_INTERFACE,
    protocols: UDP,
    does: 'the interface that multicast datagrams leave by',
  },
  {
    name: 'IPV6_MULTICAST_ALL',
    number: 29,
    type: FLAG,
    protocols: UDP,
    does: 'as IP_MULTICAST_ALL',
  },
]);
