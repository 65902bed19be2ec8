// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../../contracts/interfaces/ICommittee.sol";
import {CommitteePages} from "../../contracts/libraries/CommitteePages.sol";
import {EpochsProbe} from "../../contracts/mocks/EpochsProbe.sol";
import {Probe} from "./support/Probe.sol";

/// @notice The settlement's check of attestations against a plain one. This contract plays the committee.
contract AttestationLibTest is Probe {
    EpochsProbe private _host;

    uint32 private constant EPOCH = 7;
    uint256 private constant MEMBERS = 32;
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    bytes32 private constant ROOT = keccak256("root");

    function setUp() public {
        _host = new EpochsProbe(ICommittee(address(this)));
    }

    function testFuzz_TakesEverySetOfEnoughMembers(uint32 bitmap, uint8 size, uint8 threshold, uint8 claims) public {
        address[] memory signers = _start(size, threshold);
        bitmap = uint32(bitmap & (2 ** signers.length - 1));
        _sameVerdict(signers, _within(threshold, 1, MEMBERS), _attestation(bitmap, claims, bitmap));
    }

    function testFuzz_JudgesSpoiltBytesAsThePlainCheckDoes(
        uint32 bitmap,
        uint32 signing,
        uint8 size,
        uint256 wound
    ) public {
        address[] memory signers = _start(size, 1);
        if (wound & 16 != 0) bitmap = uint32(bitmap & (2 ** signers.length - 1));
        bytes memory attestation = _attestation(bitmap, uint8(wound), wound & 32 != 0 ? signing : bitmap);
        if (wound % 4 == 0) attestation = abi.encodePacked(attestation, uint8(wound >> 8));
        if (wound % 4 == 1) attestation[(wound >> 16) % attestation.length] = bytes1(uint8(wound >> 8));
        if (wound % 4 == 2) {
            uint256 length = (wound >> 16) % attestation.length;
            assembly ("memory-safe") {
                mstore(attestation, length)
            }
        }
        _sameVerdict(signers, 1, attestation);
    }

    function testFuzz_TakesNobodyTwice(uint8 member, uint8 other) public {
        address[] memory signers = _start(uint8(MEMBERS), 2);
        (uint256 first, uint256 second) = (_within(member, 0, MEMBERS - 1), _within(other, 0, MEMBERS - 1));
        bytes memory signature = _signature(first, 3);
        uint32 bitmap = uint32((1 << first) | (1 << second));
        _sameVerdict(signers, 2, abi.encodePacked(EPOCH, uint8(3), bitmap, signature, signature));
    }

    /// The precompile recovers a signer from the upper half of the curve's order too.
    function testFuzz_RefusesTheUpperHalf(uint256 r, uint120 above) public {
        bytes32 digest = _digest(3);
        uint256 s = HALF_ORDER + 1 + above;
        address signer = ecrecover(digest, 27, bytes32(r), bytes32(s));
        if (signer == address(0)) return; // r is no point of the curve, as half of them are
        address[] memory signers = new address[](1);
        signers[0] = signer;
        _host.startEpoch(EPOCH, CommitteePages.create(signers), 1, 1, 0);
        (bool taken, ) = _ask(abi.encodePacked(EPOCH, uint8(3), uint32(1), r, s));
        vm.assertTrue(!taken, "upper half");
    }

    function _start(uint8 size, uint8 threshold) private returns (address[] memory signers) {
        signers = new address[](_within(size, 1, MEMBERS));
        for (uint256 i = 0; i < signers.length; ++i) signers[i] = vm.addr(_key(i));
        uint8 needed = uint8(_within(threshold, 1, MEMBERS));
        _host.startEpoch(EPOCH, CommitteePages.create(signers), needed, uint8(signers.length), 0);
    }

    function _sameVerdict(address[] memory signers, uint256 threshold, bytes memory attestation) private view {
        (bool taken, uint256 claims) = _ask(attestation);
        vm.assertTrue(taken == _plain(signers, threshold, attestation), "verdict");
        if (taken) vm.assertEq(claims, uint8(attestation[4]), "claims");
    }

    function _ask(bytes memory attestation) private view returns (bool taken, uint256 claims) {
        try _host.verify(ROOT, attestation) returns (uint8 claimed) {
            return (true, claimed);
        } catch {}
    }

    /// @dev The rule as docs/protocol.md says it.
    function _plain(address[] memory signers, uint256 threshold, bytes memory attestation) private view returns (bool) {
        if (attestation.length < 9 || _uint32(attestation, 0) != EPOCH) return false;
        bytes32 digest = _digest(uint8(attestation[4]));
        uint256 bitmap = _uint32(attestation, 5);
        uint256 count = 0;
        for (uint256 i = 0; i < 32; ++i) {
            if ((bitmap >> i) & 1 == 0) continue;
            if (i >= signers.length || attestation.length < 9 + 64 * (count + 1)) return false;
            uint256 r = _word(attestation, 9 + 64 * count);
            uint256 vs = _word(attestation, 41 + 64 * count);
            uint256 s = vs & (2 ** 255 - 1);
            address signer = ecrecover(digest, uint8(27 + (vs >> 255)), bytes32(r), bytes32(s));
            if (s > HALF_ORDER || signer != signers[i]) return false;
            ++count;
        }
        return count >= threshold && attestation.length == 9 + 64 * count;
    }

    /// @dev Names the members of `bitmap`, with signatures of those of `signing`.
    function _attestation(uint32 bitmap, uint8 claims, uint32 signing) private view returns (bytes memory bytes_) {
        bytes_ = abi.encodePacked(EPOCH, claims, bitmap);
        for (uint256 i = 0; i < MEMBERS; ++i) {
            if ((signing >> i) & 1 != 0) bytes_ = abi.encodePacked(bytes_, _signature(i, claims));
        }
    }

    function _signature(uint256 member, uint8 claims) private view returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(_key(member), _digest(claims));
        return abi.encodePacked(r, vs);
    }

    function _digest(uint8 claims) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Tallystick Committee"),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
        bytes32 typehash = keccak256("Attestation(uint32 epoch,bytes32 root,uint8 claims)");
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(typehash, EPOCH, ROOT, claims))));
    }

    function _key(uint256 member) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("member", member))) >> 1;
    }

    function _uint32(bytes memory data, uint256 from) private pure returns (uint256) {
        return _word(data, from) >> 224;
    }

    function _word(bytes memory data, uint256 from) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), from))
        }
    }
}
