// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title ICommittee
/// @notice Who may attest batches: members, threshold and epochs, changed by governance.
interface ICommittee {
    /// @notice One member.
    /// @param signer Key that attests.
    /// @param endpoint Base URL at which the other members and the workers reach it.
    struct Member {
        address signer;
        string endpoint;
    }

    /// @notice A new committee took over.
    /// @param epoch Its number; the first is 1.
    /// @param threshold Signatures an attestation needs.
    /// @param members In the order the bitmap counts them.
    event EpochStarted(uint32 indexed epoch, uint8 threshold, Member[] members);

    /// @notice A member moved.
    /// @param signer Member.
    /// @param endpoint New base URL.
    event EndpointSet(address indexed signer, string endpoint);

    /// @notice A committee has 1 to 32 different members and a threshold of more than half of them.
    error CommitteeBadMembers(uint256 members, uint256 threshold);

    /// @notice The attestation names an epoch that is not valid now.
    error CommitteeBadEpoch(uint32 epoch, uint32 current);

    /// @notice The attestation's length or bitmap does not fit the committee.
    error CommitteeMalformedAttestation(uint256 length);

    /// @notice Signature `position` is not the member's that the bitmap names.
    error CommitteeBadSignature(uint256 position);

    /// @notice Fewer members signed than the threshold.
    error CommitteeBelowThreshold(uint256 signatures, uint256 threshold);

    /// @notice The last epoch may stay valid for one day at most.
    error CommitteeGraceTooLong(uint40 grace);

    /// @notice The caller is not a member.
    error CommitteeNotAMember(address caller);

    /// @notice The settlement was bound already, or the caller is not the deployer.
    error CommitteeBindRefused(address caller);

    /// @notice Names the settlement, once, and tells it the current epoch. It never hears of an epoch before that.
    /// @dev Deployer only.
    /// @param settlement Its address; see {IEpochs}.
    function bind(address settlement) external;

    /// @notice Starts a new epoch and tells the settlement; the last one stays valid for the grace period, older ones
    /// no more.
    /// @dev Governance only.
    /// @param members 1 to 32, in any order, no signer twice.
    /// @param threshold More than half of the members.
    function setMembers(Member[] calldata members, uint8 threshold) external;

    /// @notice Moves the calling member's endpoint.
    /// @param endpoint Base URL.
    function setEndpoint(string calldata endpoint) external;

    /// @notice Reverts unless enough members of a valid epoch attest `root`.
    /// @dev For others than the settlement, which checks by itself.
    /// Signature i is EIP-2098 over EIP-712 `Attestation(uint32 epoch,bytes32 root,uint8 claims)`.
    /// @param root Batch root.
    /// @param attestation `epoch (4) ‖ claims (1) ‖ bitmap (4) ‖ 64-byte signatures`, by rising member
    /// index; bit i (lowest first) of the big-endian bitmap is member i.
    /// @return epoch Epoch that attested.
    /// @return claims What it claims, see docs/protocol.md.
    function verify(bytes32 root, bytes calldata attestation) external view returns (uint32 epoch, uint8 claims);

    /// @notice The current epoch's number.
    /// @return Epoch.
    function currentEpoch() external view returns (uint32);

    /// @notice One epoch's committee.
    /// @param epoch Its number.
    /// @return threshold Signatures an attestation needs.
    /// @return members In the order the bitmap counts them, with their present endpoints.
    function committee(uint32 epoch) external view returns (uint8 threshold, Member[] memory members);

    /// @notice Signatures an attestation of an epoch needs.
    /// @param epoch Its number.
    /// @return threshold 0 if there is no such epoch.
    function thresholdOf(uint32 epoch) external view returns (uint8 threshold);

    /// @notice EIP-712 digest a member signs.
    /// @param epoch Epoch.
    /// @param root Batch root.
    /// @param claims What is claimed.
    /// @return Digest.
    function attestationDigest(uint32 epoch, bytes32 root, uint8 claims) external view returns (bytes32);
}
