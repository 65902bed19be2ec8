// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ICommittee} from "./interfaces/ICommittee.sol";
import {MessageLib} from "./libraries/MessageLib.sol";
import {SignatureLib} from "./libraries/SignatureLib.sol";

/// @title Committee
/// @notice See {ICommittee}.
/// @dev The grace period runs on block time: a halted chain can only make members sign again under the new epoch.
/// @custom:invariant an attestation holds for one root, one epoch and at least the threshold of its members
contract Committee is ICommittee, AccessManaged, EIP712 {
    struct Epoch {
        uint8 threshold;
        uint40 validUntil; // 0 while it is the current one
        address[] signers;
    }

    bytes32 private constant ATTESTATION_TYPEHASH = keccak256("Attestation(uint32 epoch,bytes32 root,uint8 claims)");
    uint256 private constant MAX_MEMBERS = 32;
    uint40 private constant MAX_GRACE = 1 days;
    uint256 private constant HEADER = 9; // epoch, claims, bitmap

    /// @notice Seconds the last epoch's attestations stay valid: one batch deadline.
    uint40 public immutable GRACE;

    uint32 private _epoch;
    mapping(uint256 epoch => Epoch committee) private _epochs;
    mapping(address signer => string endpoint) private _endpoints;

    constructor(
        address authority,
        uint40 grace,
        Member[] memory members,
        uint8 threshold
    ) AccessManaged(authority) EIP712("Tallystick Committee", "1") {
        require(grace <= MAX_GRACE, CommitteeGraceTooLong(grace));
        GRACE = grace;
        _start(members, threshold);
    }

    /// @inheritdoc ICommittee
    function setMembers(Member[] calldata members, uint8 threshold) external restricted {
        _start(members, threshold);
    }

    /// @inheritdoc ICommittee
    function setEndpoint(string calldata endpoint) external {
        address[] memory signers = _epochs[_epoch].signers;
        bool member = false;
        for (uint256 i = 0; i < signers.length; ++i) member = member || signers[i] == msg.sender;
        require(member, CommitteeNotAMember(msg.sender));
        _endpoints[msg.sender] = endpoint;
        emit EndpointSet(msg.sender, endpoint);
    }

    /// @inheritdoc ICommittee
    function verify(bytes32 root, bytes calldata attestation) external view returns (uint32 epoch, uint8 claims) {
        require(attestation.length >= HEADER, CommitteeMalformedAttestation(attestation.length));
        epoch = uint32(bytes4(attestation[:4]));
        claims = uint8(attestation[4]);
        uint256 bitmap = uint32(bytes4(attestation[5:HEADER]));
        Epoch storage self = _epochs[epoch];
        uint256 until = self.validUntil;
        require(
            epoch == _epoch || (epoch != 0 && epoch < _epoch && block.timestamp <= until),
            CommitteeBadEpoch(epoch, _epoch)
        );
        uint256 signatures = _countMembers(self.signers, bitmap, attestationDigest(epoch, root, claims), attestation);
        require(signatures >= self.threshold, CommitteeBelowThreshold(signatures, self.threshold));
    }

    /// @inheritdoc ICommittee
    function currentEpoch() external view returns (uint32) {
        return _epoch;
    }

    /// @inheritdoc ICommittee
    function committee(uint32 epoch) external view returns (uint8 threshold, Member[] memory members) {
        address[] memory signers = _epochs[epoch].signers;
        members = new Member[](signers.length);
        for (uint256 i = 0; i < signers.length; ++i) members[i] = Member(signers[i], _endpoints[signers[i]]);
        return (_epochs[epoch].threshold, members);
    }

    /// @inheritdoc ICommittee
    function attestationDigest(uint32 epoch, bytes32 root, uint8 claims) public view returns (bytes32) {
        bytes32 hash = keccak256(abi.encode(ATTESTATION_TYPEHASH, epoch, root, claims));
        return MessageLib.digest(_domainSeparatorV4(), hash);
    }

    function _start(Member[] memory members, uint8 threshold) private {
        uint256 count = members.length;
        require(
            count != 0 && count <= MAX_MEMBERS && threshold <= count && uint256(threshold) * 2 > count,
            CommitteeBadMembers(count, threshold)
        );
        if (_epoch != 0) _epochs[_epoch].validUntil = uint40(block.timestamp) + GRACE;
        uint32 epoch = ++_epoch;
        Epoch storage self = _epochs[epoch];
        self.threshold = threshold;
        for (uint256 i = 0; i < count; ++i) {
            address signer = members[i].signer;
            bool fresh = signer != address(0);
            for (uint256 j = 0; j < i; ++j) fresh = fresh && members[j].signer != signer;
            require(fresh, CommitteeBadMembers(count, threshold));
            self.signers.push(signer);
            _endpoints[signer] = members[i].endpoint;
        }
        emit EpochStarted(epoch, threshold, members);
    }

    /// @dev Counts the bitmap's members, every one of whose signatures must be right and none left over.
    function _countMembers(
        address[] storage signers,
        uint256 bitmap,
        bytes32 digest,
        bytes calldata attestation
    ) private view returns (uint256 counted) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := add(attestation.offset, HEADER)
        }
        uint256 count = signers.length;
        require(bitmap >> count == 0, CommitteeMalformedAttestation(attestation.length));
        uint256 size = HEADER;
        for (uint256 i = 0; i < count; ++i) {
            if ((bitmap >> i) & 1 == 0) continue;
            size += SignatureLib.SIZE;
            require(size <= attestation.length, CommitteeMalformedAttestation(attestation.length));
            require(SignatureLib.recoverAt(digest, offset) == signers[i], CommitteeBadSignature(counted));
            offset += SignatureLib.SIZE;
            ++counted;
        }
        require(size == attestation.length, CommitteeMalformedAttestation(attestation.length));
    }
}
