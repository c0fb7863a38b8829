/**
 * IANA's Assigned Internet Protocol Numbers, in the registry's spelling; the index is the number. Empty: it stands for
 * "any protocol" of some kind, or is not given out. 253 and 254 are for experiments (RFC 3692) and have no name.
 */
const NAMES: readonly string[] = [
  ...['HOPOPT', 'ICMP', 'IGMP', 'GGP', 'IPv4', 'ST', 'TCP', 'CBT', 'EGP', 'IGP'],
  ...['BBN-RCC-MON', 'NVP-II', 'PUP', 'ARGUS', 'EMCON', 'XNET', 'CHAOS', 'UDP', 'MUX', 'DCN-MEAS'],
  ...['HMP', 'PRM', 'XNS-IDP', 'TRUNK-1', 'TRUNK-2', 'LEAF-1', 'LEAF-2', 'RDP', 'IRTP', 'ISO-TP4'],
  ...['NETBLT', 'MFE-NSP', 'MERIT-INP', 'DCCP', '3PC', 'IDPR', 'XTP', 'DDP', 'IDPR-CMTP', 'TP++'],
  ...['IL', 'IPv6', 'SDRP', 'IPv6-Route', 'IPv6-Frag', 'IDRP', 'RSVP', 'GRE', 'DSR', 'BNA'],
  ...['ESP', 'AH', 'I-NLSP', 'SWIPE', 'NARP', 'MOBILE', 'TLSP', 'SKIP', 'IPv6-ICMP', 'IPv6-NoNxt'],
  ...['IPv6-Opts', '', 'CFTP', '', 'SAT-EXPAK', 'KRYPTOLAN', 'RVD', 'IPPC', '', 'SAT-MON'],
  ...['VISA', 'IPCV', 'CPNX', 'CPHB', 'WSN', 'PVP', 'BR-SAT-MON', 'SUN-ND', 'WB-MON', 'WB-EXPAK'],
  ...['ISO-IP', 'VMTP', 'SECURE-VMTP', 'VINES', 'IPTM', 'NSFNET-IGP', 'DGP', 'TCF', 'EIGRP', 'OSPFIGP'],
  ...['Sprite-RPC', 'LARP', 'MTP', 'AX.25', 'IPIP', 'MICP', 'SCC-SP', 'ETHERIP', 'ENCAP', ''],
  ...['GMTP', 'IFMP', 'PNNI', 'PIM', 'ARIS', 'SCPS', 'QNX', 'A/N', 'IPComp', 'SNP'],
  ...['Compaq-Peer', 'IPX-in-IP', 'VRRP', 'PGM', '', 'L2TP', 'DDX', 'IATP', 'STP', 'SRP'],
  ...['UTI', 'SMP', 'SM', 'PTP', 'ISIS', 'FIRE', 'CRTP', 'CRUDP', 'SSCOPMCE', 'IPLT'],
  ...['SPS', 'PIPE', 'SCTP', 'FC', 'RSVP-E2E-IGNORE'],
  ...['Mobility-Header', 'UDPLite', 'MPLS-in-IP', 'manet', 'HIP'],
  ...['Shim6', 'WESP', 'ROHC', 'Ethernet', 'AGGFRAG', 'NSH', 'Homa'],
];

/** As protocols(5) would list them: the name in lower case, the registry's spelling as an alias. */
export const IANA_PROTOCOLS: readonly { name: string; number: number; aliases: string[] }[] = NAMES.map(
  (spelling, number) => {
    const name = spelling.toLowerCase();
    return { name, number, aliases: name === spelling ? [] : [spelling] };
  },
).filter(({ name }) => name !== '');
