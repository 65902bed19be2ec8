// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ICommittee} from "./interfaces/ICommittee.sol";
import {IEpochs} from "./interfaces/IEpochs.sol";
import {AttestationLib} from "./libraries/AttestationLib.sol";
import {CommitteePages} from "./libraries/CommitteePages.sol";
import {MessageLib} from "./libraries/MessageLib.sol";
import {Epoch, EpochLib} from "./types/Epoch.sol";

/// @title Committee
/// @notice See {ICommittee}.
/// @dev The grace period runs on block time: a halted chain can only make members sign again under the new epoch.
/// Signers of epoch n stand in this contract's code page n. It creates no other contract.
/// @custom:invariant an attestation holds for one root, one epoch and at least the threshold of its members
contract Committee is ICommittee, AccessManaged, EIP712 {
    uint256 private constant MAX_MEMBERS = 32;
    uint40 private constant MAX_GRACE = 1 days;

    /// @notice Seconds the last epoch's attestations stay valid: one batch deadline.
    uint40 public immutable GRACE;

    address private immutable _DEPLOYER;

    /// @notice The settlement, which is told of every epoch.
    address public settlement;
    uint32 private _epoch;
    mapping(uint256 number => Epoch epoch) private _epochs;
    mapping(address signer => string endpoint) private _endpoints;

    constructor(
        address authority,
        uint40 grace,
        Member[] memory members,
        uint8 threshold
    ) AccessManaged(authority) EIP712("Tallystick Committee", "1") {
        require(grace <= MAX_GRACE, CommitteeGraceTooLong(grace));
        GRACE = grace;
        _DEPLOYER = msg.sender;
        _start(members, threshold);
    }

    /// @inheritdoc ICommittee
    function bind(address settlement_) external {
        require(
            msg.sender == _DEPLOYER && settlement == address(0) && settlement_ != address(0),
            CommitteeBindRefused(msg.sender)
        );
        settlement = settlement_;
        _tell(_epochs[_epoch]);
    }

    /// @inheritdoc ICommittee
    function setMembers(Member[] calldata members, uint8 threshold) external restricted {
        Epoch epoch = _start(members, threshold);
        if (settlement != address(0)) _tell(epoch);
    }

    /// @inheritdoc ICommittee
    function setEndpoint(string calldata endpoint) external {
        address[] memory signers = _signers(_epochs[_epoch]);
        bool member = false;
        for (uint256 i = 0; i < signers.length; ++i) member = member || signers[i] == msg.sender;
        require(member, CommitteeNotAMember(msg.sender));
        _endpoints[msg.sender] = endpoint;
        emit EndpointSet(msg.sender, endpoint);
    }

    /// @inheritdoc ICommittee
    function verify(bytes32 root, bytes calldata attestation) external view returns (uint32 epoch, uint8 claims) {
        epoch = uint32(AttestationLib.epochOf(attestation));
        Epoch self = _epochs[epoch];
        bool last = epoch != 0 && uint256(epoch) + 1 == _epoch && block.timestamp <= self.until();
        require(epoch == _epoch || last, CommitteeBadEpoch(epoch, _epoch));
        (uint256 claimed, ) = AttestationLib.verify(self, _domainSeparatorV4(), root, attestation);
        claims = uint8(claimed);
    }

    /// @inheritdoc ICommittee
    function currentEpoch() external view returns (uint32) {
        return _epoch;
    }

    /// @inheritdoc ICommittee
    function committee(uint32 epoch) external view returns (uint8 threshold, Member[] memory members) {
        Epoch self = _epochs[epoch];
        address[] memory signers = _signers(self);
        members = new Member[](signers.length);
        for (uint256 i = 0; i < signers.length; ++i) members[i] = Member(signers[i], _endpoints[signers[i]]);
        return (uint8(self.threshold()), members);
    }

    /// @inheritdoc ICommittee
    function thresholdOf(uint32 epoch) external view returns (uint8) {
        return uint8(_epochs[epoch].threshold());
    }

    /// @inheritdoc ICommittee
    function attestationDigest(uint32 epoch, bytes32 root, uint8 claims) public view returns (bytes32) {
        return MessageLib.digest(_domainSeparatorV4(), AttestationLib.structHash(epoch, root, claims));
    }

    function _start(Member[] memory members, uint8 threshold) private returns (Epoch epoch) {
        uint256 count = members.length;
        require(
            count != 0 && count <= MAX_MEMBERS && threshold <= count && uint256(threshold) * 2 > count,
            CommitteeBadMembers(count, threshold)
        );
        address[] memory signers = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            address signer = members[i].signer;
            bool fresh = signer != address(0);
            for (uint256 j = 0; j < i; ++j) fresh = fresh && signers[j] != signer;
            require(fresh, CommitteeBadMembers(count, threshold));
            signers[i] = signer;
            _endpoints[signer] = members[i].endpoint;
        }
        uint32 number = _epoch;
        if (number != 0) _epochs[number] = _epochs[number].endedBy(block.timestamp + GRACE);
        _epoch = ++number;
        epoch = EpochLib.pack(number, CommitteePages.create(signers), threshold, uint8(count));
        _epochs[number] = epoch;
        emit EpochStarted(number, threshold, members);
    }

    function _tell(Epoch epoch) private {
        IEpochs(settlement).startEpoch(
            uint32(epoch.number()),
            epoch.page(),
            uint8(epoch.threshold()),
            uint8(epoch.members()),
            GRACE
        );
    }

    function _signers(Epoch epoch) private view returns (address[] memory signers) {
        signers = new address[](epoch.members());
        uint256 first = CommitteePages.load(epoch.page(), signers.length);
        for (uint256 i = 0; i < signers.length; ++i) {
            signers[i] = CommitteePages.signerAt(first + i * CommitteePages.SIGNER);
        }
    }
}
