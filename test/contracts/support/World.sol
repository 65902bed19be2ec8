// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {ILedger} from "../../../contracts/interfaces/ILedger.sol";
import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {ITallystick} from "../../../contracts/interfaces/ITallystick.sol";
import {Offer, Permit} from "../../../contracts/interfaces/ITypes.sol";
import {Probe} from "./Probe.sol";

/// @notice What the tests need of the demo tokens.
interface IDemoToken {
    function mint(address to, uint256 amount) external;
    function approve(address spender, uint256 amount) external returns (bool);
    function balanceOf(address account) external view returns (uint256);
    function nonces(address account) external view returns (uint256);
    function DOMAIN_SEPARATOR() external view returns (bytes32);
}

/// @notice Stands where Permit2 stands and takes every signature; its own rules are tested elsewhere, on the real one.
contract CredulousPermit2 {
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata details,
        address,
        bytes32,
        string calldata,
        bytes calldata
    ) external {
        IDemoToken(permit.permitted.token).mint(details.to, details.requestedAmount);
    }
}

/// @notice Everything deployed, governed by this contract, and hands that sign.
abstract contract World is Probe {
    ITallystick public tally;
    IRegistry public registry;
    ICommittee public committee;
    IDemoToken public dollar;
    IDemoToken public stakeToken;

    uint256 internal constant USD = 1e6;
    uint256 internal constant STAKE = 1e18;
    uint256 internal constant DAY = 1 days;
    uint256 internal constant MEMBERS = 3;
    address internal constant TREASURY = address(0x7ea5);
    address internal constant COMMITTEE_TREASURY = address(0xc7ea5);
    address internal constant RELAYER = address(0x4e1a);

    bytes32 private constant PERMIT_TYPEHASH = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    /// @dev Kept by hand: the optimizer reads `block.timestamp` once per call, whatever `warp` does in between.
    uint256 internal _time = 1_700_000_000;
    uint256 internal _epochSeed;
    bytes32 private _domain;

    constructor() {
        vm.warp(_time);
        address manager = _deploy("AccessManager.sol:AccessManager", abi.encode(address(this)));
        dollar = IDemoToken(_deploy("DemoDollar.sol:DemoDollar", ""));
        stakeToken = IDemoToken(_deploy("DemoStake.sol:DemoStake", ""));
        address pools = _deploy("Pools.sol:Pools", abi.encode(manager, stakeToken));
        registry = IRegistry(_deploy("Registry.sol:Registry", abi.encode(pools)));
        address permit2 = address(new CredulousPermit2());
        committee = ICommittee(
            _deploy("Committee.sol:Committee", abi.encode(manager, uint40(1 hours), _members(), uint8(2)))
        );
        address nets = _deploy("Nets.sol:Nets", abi.encode(manager, dollar, registry, committee));
        address faults = _deploy("Faults.sol:Faults", abi.encode(manager, dollar, registry, nets));
        address desk = _deploy("Desk.sol:Desk", abi.encode(manager, dollar, registry, permit2, faults));
        bytes memory arguments = abi.encode(desk, committee, _parameters(), TREASURY, COMMITTEE_TREASURY);
        tally = ITallystick(_deploy("Settlement.sol:Settlement", arguments));
        registry.bind(address(tally), _courts(manager));
        committee.bind(address(tally));
        _domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("Tallystick"), keccak256("1"), block.chainid, address(tally))
        );
    }

    /// @dev Production's windows and fees; the closing period is short so that runs see many deals end.
    function _parameters() internal pure returns (ILedger.Parameters memory) {
        return ILedger.Parameters(1 days, 3 days, 2 hours, 5 days, 1 days, 10_000, 1000, 100, 50, 1_000_000);
    }

    /// @dev Courts to name to the registry, on a settlement that stands.
    function _courts(address) internal virtual returns (address[] memory) {
        return new address[](0);
    }

    /// @dev Chain and protocol clock go on together: a step and what a touch may leave unwritten are an hour at most.
    function _pass(uint256 span) internal {
        while (span != 0) {
            uint256 step = span < 50 minutes ? span : 50 minutes;
            _time += step;
            vm.warp(_time);
            tally.tick();
            span -= step;
        }
    }

    function _members() internal view returns (ICommittee.Member[] memory members) {
        members = new ICommittee.Member[](MEMBERS);
        for (uint256 i = 0; i < MEMBERS; ++i) members[i].signer = vm.addr(_memberKey(i));
    }

    function _memberKey(uint256 index) internal view returns (uint256) {
        return _key("member", _epochSeed * MEMBERS + index);
    }

    function _key(string memory role, uint256 index) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("tallystick", role, index))) >> 1;
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", _domain, structHash));
    }

    function _signCompact(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, digest);
        return abi.encodePacked(r, vs);
    }

    function _signOffer(uint256 key, Offer memory offer) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, tally.offerHash(offer));
        return abi.encodePacked(r, s, v);
    }

    function _permit(
        IDemoToken token,
        uint256 key,
        address spender,
        uint256 value
    ) internal view returns (Permit memory permit) {
        address owner = vm.addr(key);
        permit.deadline = type(uint256).max;
        bytes32 hash = keccak256(
            abi.encode(PERMIT_TYPEHASH, owner, spender, value, token.nonces(owner), permit.deadline)
        );
        (permit.v, permit.r, permit.s) = vm.sign(
            key,
            keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), hash))
        );
    }

    function _authorization(
        uint256 key,
        address buyer,
        uint256 value,
        bytes32 salt
    ) internal view returns (Permit memory permit) {
        bytes32 nonce = keccak256(abi.encode(buyer, salt));
        bytes32 hash = keccak256(
            abi.encode(RECEIVE_TYPEHASH, vm.addr(key), address(tally), value, 0, type(uint256).max, nonce)
        );
        (permit.v, permit.r, permit.s) = vm.sign(
            key,
            keccak256(abi.encodePacked(hex"1901", dollar.DOMAIN_SEPARATOR(), hash))
        );
    }

    /// @dev Attestation of all members but one.
    function _attest(bytes32 root, uint256 absent) internal view returns (bytes memory attestation) {
        uint32 epoch = committee.currentEpoch();
        bytes32 digest = committee.attestationDigest(epoch, root, 1);
        attestation = abi.encodePacked(epoch, uint8(1), uint32(7 & ~(1 << absent)));
        for (uint256 i = 0; i < MEMBERS; ++i) {
            if (i != absent) attestation = abi.encodePacked(attestation, _signCompact(_memberKey(i), digest));
        }
    }
}
